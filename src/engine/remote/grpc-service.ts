import type { ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import proto from './inference.proto?raw';
import type { TensorMetadata } from './protocol.js';

interface ModelName {
  name: string;
}

export interface GrpcTensor extends TensorMetadata {
  contents?: { int_contents?: number[]; uint_contents?: number[]; fp32_contents?: number[] } | null;
}

export interface ModelInferRequest {
  model_name: string;
  inputs: TensorMetadata[];
  outputs: ModelName[];
  raw_input_contents: Uint8Array[];
}

export interface ModelInferResponse {
  outputs: GrpcTensor[];
  raw_output_contents: Uint8Array[];
}

/** Request and answer of each call of `inference.proto` that is made, as proto-loader decodes them: lists are there even when empty. */
export interface GrpcCalls {
  ModelReady: { request: ModelName; answer: { ready: boolean } };
  ModelMetadata: { request: ModelName; answer: { inputs: TensorMetadata[]; outputs: TensorMetadata[] } };
  ModelInfer: { request: ModelInferRequest; answer: ModelInferResponse };
}

// Shapes are the only 64-bit numbers, and far below 2^53.
const OPTIONS = { keepCase: true, longs: Number, defaults: true } as const;

export const grpcService = fromJSON(protobuf.parse(proto, { keepCase: true }).root.toJSON(), OPTIONS)[
  'inference.GRPCInferenceService'
] as ServiceDefinition;
