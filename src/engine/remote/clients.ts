import { isGrpc } from './addresses.js';
import { GrpcClient } from './grpc-client.js';
import { HttpClient } from './http-client.js';
import type { InferenceClient } from './protocol.js';

/** @param inferMs how long one request may take */
export function clientOf(address: string, inferMs: number): InferenceClient {
  return isGrpc(address) ? new GrpcClient(address, inferMs) : new HttpClient(address, inferMs);
}
