/** How calls are authorised. */
export interface Auth {
  /** The `Authorization` header, valid now; may have to ask Linear for it first. */
  header(signal: AbortSignal): Promise<string>;
  /** How Linear took a header. True: it was refused, and `header` may have another. */
  judged(header: string, accepted: boolean): boolean;
}
