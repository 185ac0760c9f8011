import { runCli } from "./cli/cli.ts";
import { systemMachine } from "./cli/host/system.ts";

const machine = systemMachine();

async function run(): Promise<void> {
  const code = await runCli(machine);
  // Idle connections of libraries would keep the process alive after the answer.
  await new Promise<void>((resolve) => {
    process.stdout.write("", () => resolve());
  });
  machine.exit(code);
}

run().catch((error: unknown) => {
  throw error;
});
