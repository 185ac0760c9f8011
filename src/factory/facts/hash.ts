/** A short, stable digest of texts for keys (FNV-1a, twice 32 bits). Not for security. */
export function digest(parts: readonly string[]): string {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (const part of parts) {
    for (let index = 0; index < part.length; index += 1) {
      low = Math.imul(low ^ part.charCodeAt(index), 0x01000193);
      high = Math.imul(high ^ (part.charCodeAt(index) + index), 0x85ebca6b);
    }
    low = Math.imul(low ^ 0x1f, 0x01000193);
    high = Math.imul(high ^ 0x2e, 0x85ebca6b);
  }
  return (low >>> 0).toString(16).padStart(8, "0") + (high >>> 0).toString(16).padStart(8, "0");
}
