/** See warm.mjs. */
export function warm(root: string, folder: string): Promise<void>;
