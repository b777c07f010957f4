import { type ChannelOptions, Client, Metadata, type ServiceError, credentials, status } from '@grpc/grpc-js';
import type { TensorData } from '../safetensors.js';
import { type GrpcCalls, type GrpcTensor, grpcService } from './grpc-service.js';
import { REMOTE_LIMITS } from './limits.js';
import {
  DATATYPES,
  type InferenceClient,
  type ModelMetadata,
  RemoteFailure,
  type WantedTensor,
  type WireTensor,
  bytesOf,
  malformed,
  noAnswer,
  readOutputs,
  worthAnotherTry,
} from './protocol.js';

const OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': REMOTE_LIMITS.messageBytes,
  'grpc.max_send_message_length': -1,
  // Who is tried again, and when, is decided in replicas.ts alone.
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': REMOTE_LIMITS.firstRestMs,
  'grpc.max_reconnect_backoff_ms': REMOTE_LIMITS.longestRestMs,
  // As over HTTP, the address is the server's and nothing in between is asked.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
};

/** What the server or the way to it did, and not the request: like 408, 429 and 5xx over HTTP. */
const PASSING: ReadonlySet<status> = new Set([
  status.CANCELLED,
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** grpc-js's words for an answer that is no message of the protocol; their status alone would read as a broken server. */
const UNREADABLE = /^(Response message parsing error|Error parsing response)/;
const TOO_LARGE = /message larger than max/;

/** A server of the protocol over gRPC, with tensors as raw contents. */
export class GrpcClient implements InferenceClient {
  #client: Client | null = null;

  constructor(
    /** `grpc://server:8001`, or `grpcs://` with TLS. */
    readonly address: string,
    private readonly inferMs: number,
  ) {}

  checkReady(model: string): Promise<void> {
    const asked = this.#call('ModelReady', { name: model }, REMOTE_LIMITS.askMs).then(({ ready }) => {
      if (!ready) throw new RemoteFailure('it has not loaded the model', true);
    });
    return worthAnotherTry(asked);
  }

  modelMetadata(model: string): Promise<ModelMetadata> {
    return this.#call('ModelMetadata', { name: model }, REMOTE_LIMITS.askMs);
  }

  async infer(model: string, inputs: readonly WireTensor[], outputs: readonly WantedTensor[]): Promise<TensorData[]> {
    const request = {
      model_name: model,
      inputs: inputs.map(({ name, type, shape }) => ({ name, datatype: DATATYPES[type], shape })),
      outputs: outputs.map(({ name }) => ({ name })),
      raw_input_contents: inputs.map(bytesOf),
    };
    const answer = await this.#call('ModelInfer', request, this.inferMs);
    const raw = answer.raw_output_contents;
    if (raw.length > 0 && raw.length !== answer.outputs.length) throw malformed('its answer has not the contents of every output');
    return readOutputs(
      answer.outputs.map((tensor, i) => ({ ...tensor, values: raw[i] ?? typedContents(tensor) })),
      outputs,
    );
  }

  close(): void {
    this.#client?.close();
    this.#client = null;
  }

  async #call<N extends keyof GrpcCalls>(name: N, request: GrpcCalls[N]['request'], ms: number): Promise<GrpcCalls[N]['answer']> {
    const method = grpcService[name];
    if (!method) throw new TypeError(`inference.proto has no ${name}.`);
    const client = (this.#client ??= this.#connect());
    try {
      return await new Promise<GrpcCalls[N]['answer']>((resolve, reject) => {
        client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize as (bytes: Buffer) => GrpcCalls[N]['answer'],
          request,
          new Metadata(),
          { deadline: Date.now() + ms },
          (error, answer) => (answer === undefined ? reject(error ?? new Error('no answer')) : resolve(answer)),
        );
      });
    } catch (error) {
      throw this.#failure(error, ms);
    }
  }

  #connect(): Client {
    const { protocol, host } = new URL(this.address);
    // With its scheme, so that no name can be taken for one of grpc-js's other kinds of address.
    return new Client(`dns:${host}`, protocol === 'grpcs:' ? credentials.createSsl() : credentials.createInsecure(), OPTIONS);
  }

  #failure(error: unknown, ms: number): RemoteFailure {
    // The channel was closed while it was asked.
    if (!isServiceError(error)) return new RemoteFailure(error instanceof Error ? error.message : String(error), true, { cause: error });
    const { code, details } = error;
    if (code === status.DEADLINE_EXCEEDED) {
      // A machine that is gone without a word leaves a connection that would swallow the next requests as well.
      this.close();
      return new RemoteFailure(noAnswer(ms), true, { cause: error });
    }
    if (UNREADABLE.test(details)) return malformed('its answer is not of the KServe v2 protocol', error);
    const said = details.slice(0, 300).replace(/\s+/g, ' ').trim();
    // What the system says is short and the same as over HTTP.
    const system = code === status.UNAVAILABLE ? /\bE[A-Z]{5,}\b/.exec(said)?.[0] : undefined;
    return new RemoteFailure(
      system ?? `it answered ${status[code]}${said ? `: ${said}` : ''}`,
      PASSING.has(code) && !TOO_LARGE.test(said),
      {
        cause: error,
      },
    );
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && typeof error.details === 'string';
}

/** A server may answer with numbers in place of bytes, of the kind that goes with the data type. */
function typedContents({ datatype, contents }: GrpcTensor): readonly number[] {
  const { int_contents = [], uint_contents = [], fp32_contents = [] } = contents ?? {};
  if (datatype === DATATYPES.int32) return int_contents;
  return datatype === DATATYPES.float32 ? fp32_contents : uint_contents;
}
