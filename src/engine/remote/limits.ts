/** Limits on what inference servers are believed, and how long they are waited for. */
export const REMOTE_LIMITS = {
  replicas: 32,
  /** Of metadata and refusals; tensors are read up to the size that the package says they have. */
  textBytes: 1 << 20,
  /** Characters of one number in JSON, with its comma. */
  numberBytes: 32,
  /** Of an answer over gRPC, where the limit belongs to the connection: 64 pictures of 1024 pixels a side, and some. */
  messageBytes: 256 << 20,
  inferMs: 60_000,
  askMs: 10_000,
  /** How long a request goes from server to server before it gives up, and how long when a model is loaded, where somebody waits. */
  givingUpMs: 60_000,
  givingUpAtLoadMs: 3_000,
  /** A server that failed is left alone so long, twice as long each time. */
  firstRestMs: 250,
  longestRestMs: 10_000,
} as const;
