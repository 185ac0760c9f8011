import { runCli } from "./cli/cli.ts";
import { systemHost } from "./cli/host/system.ts";

const host = systemHost();

async function run(): Promise<void> {
  const code = await runCli(host);
  // Idle connections of libraries would keep the process alive after the answer.
  await new Promise<void>((resolve) => {
    process.stdout.write("", () => resolve());
  });
  host.exit(code);
}

run().catch((error: unknown) => {
  throw error;
});
