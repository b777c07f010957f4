import { type ServerUnaryCall, type sendUnaryData, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { type GrpcCalls, type ModelInferRequest, type ModelInferResponse, grpcService } from '../../../src/engine/remote/grpc-service.js';
import { DATATYPES } from '../../../src/engine/remote/protocol.js';
import { dimensions } from '../../../src/engine/session.js';
import { metadata, sizesOf } from './v2-metadata.js';
import { ARRAYS, type ServedModel, type V2Server, servedModels } from './v2-server.js';

/** A refusal, an answer in place of the server's own (bytes are sent as they are), or no answer ever. */
export type GrpcInterception = { code: status; details: string } | { answer: Partial<ModelInferResponse> | Uint8Array } | 'silence';

export interface GrpcServerOptions {
  /** Wants a last dimension of 1 where an item is one number, as Triton does. */
  triton?: boolean;
  /** Answers with numbers in place of bytes. */
  typed?: boolean;
  /** What happens to the request in place of the server's answer; null for that. */
  intercept?: (call: keyof GrpcCalls, model: string) => GrpcInterception | null;
}

type Handler<N extends keyof GrpcCalls> = (model: ServedModel, request: GrpcCalls[N]['request']) => Promise<GrpcCalls[N]['answer']>;

/** A KServe v2 server over gRPC that runs the step and decode graphs of a package, ended with the test. */
export async function startGrpcServer(
  packageFolder: string,
  { triton = false, typed = false, intercept }: GrpcServerOptions = {},
): Promise<V2Server> {
  const models = await servedModels(packageFolder);
  const inferred: string[] = [];

  const handle =
    <N extends keyof GrpcCalls>(name: N, handler: Handler<N>) =>
    ({ request }: ServerUnaryCall<GrpcCalls[N]['request'], unknown>, done: sendUnaryData<unknown>): void => {
      const wanted = 'model_name' in request ? request.model_name : request.name;
      const instead = intercept?.(name, wanted) ?? null;
      if (instead === 'silence') return;
      if (instead) return 'answer' in instead ? done(null, instead.answer) : done(instead);
      const model = models.get(wanted);
      if (!model) return done({ code: status.NOT_FOUND, details: `Request for unknown model: '${wanted}' is not found` });
      handler(model, request).then(
        (answer) => done(null, answer),
        (error: unknown) => done({ code: status.INTERNAL, details: String(error) }),
      );
    };

  const server = new Server();
  server.addService(withBytes(), {
    ModelReady: handle('ModelReady', () => Promise.resolve({ ready: true })),
    ModelMetadata: handle('ModelMetadata', (model, { name }) => Promise.resolve(metadata(name, model.border, triton))),
    ModelInfer: handle('ModelInfer', async (model, request) => {
      const answer = await infer(model, request, typed);
      inferred.push(request.model_name);
      return answer;
    }),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const kill = (): void => server.forceShutdown();
  onTestFinished(kill);
  return { address: `grpc://127.0.0.1:${port}`, inferred, kill };
}

/** The service, except that an answer which is bytes already is sent as it is. */
function withBytes(): typeof grpcService {
  return Object.fromEntries(
    Object.entries(grpcService).map(([name, method]) => {
      const responseSerialize = (answer: unknown): Buffer =>
        answer instanceof Uint8Array ? Buffer.from(answer) : method.responseSerialize(answer);
      return [name, { ...method, responseSerialize }];
    }),
  );
}

async function infer(
  { session, border, samplesPerPosition }: ServedModel,
  { inputs, raw_input_contents: raw }: ModelInferRequest,
  typed: boolean,
): Promise<ModelInferResponse> {
  const sizes = sizesOf(border, inputs, samplesPerPosition);
  const values = inputs.map(({ datatype }, i) => new ARRAYS[datatype as keyof typeof ARRAYS](new Uint8Array(raw[i] ?? []).buffer));
  const results = await session.run(sizes, Object.fromEntries(inputs.map(({ name }, i) => [name, values[i] ?? new Uint8Array()])));
  const tensors = Object.entries(border.outputs).map(([name, { type, shape }]) => {
    const described = { name, datatype: DATATYPES[type], shape: dimensions(shape, sizes) };
    return { ...described, type, data: results[name] ?? new Uint8Array() };
  });
  const kinds = { int32: 'int_contents', float32: 'fp32_contents', uint8: 'uint_contents' } as const;
  return {
    outputs: tensors.map(({ type, data, ...tensor }) => (typed ? { ...tensor, contents: { [kinds[type]]: Array.from(data) } } : tensor)),
    raw_output_contents: typed ? [] : tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  };
}
