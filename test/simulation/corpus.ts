/**
 * Seeds that once failed, or whose history has what others lack; played first. A seed means the same history only as
 * long as settings.ts draws the same numbers in the same order, and the relay asks for as many.
 */
export const CORPUS: readonly { readonly seed: number; readonly why: string }[] = [
  { seed: 8, why: "two issues, and a disk that is full for a while" },
  { seed: 20, why: "the process dies again and again, and the disk is full for a while" },
  { seed: 32, why: "what comes while the disk is full is refused, and found later all the same" },
  { seed: 38, why: "the wall clock is set back an hour and more, and a third of all deliveries is lost" },
  { seed: 46, why: "the wall clock is two hours ahead, and set back" },
  { seed: 175, why: "the wall clock is behind the forge's by most of an hour, which shows a push late" },
  { seed: 235, why: "the process is told to stop while it looks for lost issues" },
];
