import { z } from 'zod';
import { type CallName, WireError, calls, paths } from '../contract/index.js';
import { ImageGeneration, SpeechGeneration } from './openai.js';

/** Bytes have no JSON form of their own: see `toJson` of the contract. */
const BYTES = {
  type: 'object',
  properties: { $bytes: { type: 'string', contentEncoding: 'base64' } },
  required: ['$bytes'],
  additionalProperties: false,
};

type JsonSchema = Record<string, unknown>;

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const json: JsonSchema = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    // The contract's only custom type is Uint8Array.
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'custom') Object.assign(jsonSchema, BYTES);
    },
  });
  // The document says its dialect once, by its own version.
  delete json['$schema'];
  return json;
}

const content = (schema: JsonSchema): JsonSchema => ({ 'application/json': { schema } });

/** The contract as an OpenAPI 3.1 document: one path a call, made from the very schemas that check it. */
export function openApi(): JsonSchema {
  const failure = { type: 'object', properties: { ok: { const: false }, error: schemaOf(WireError, 'output') }, required: ['ok', 'error'] };
  const failed = content(failure);
  const operation = (name: CallName): JsonSchema => ({
    post: {
      operationId: name.replaceAll('.', '_'),
      tags: [name.split('.')[0]],
      requestBody: { required: true, content: content(schemaOf(calls[name].params, 'input')) },
      responses: {
        200: {
          description: 'The result, or the error as a sentence.',
          content: content({
            oneOf: [
              {
                type: 'object',
                properties: { ok: { const: true }, value: schemaOf(calls[name].result, 'output') },
                required: ['ok', 'value'],
              },
              failure,
            ],
          }),
        },
        401: { description: 'Neither signed in nor a valid API key.', content: failed },
        429: { description: 'Too many wrong tokens from this address.', content: failed },
      },
      security: [{ key: [] }],
    },
  });
  return {
    openapi: '3.1.0',
    info: { title: 'ResGen Studio', version: '1', description: 'Every call of the studio. Start the server with --api to get a key.' },
    paths: {
      ...Object.fromEntries((Object.keys(calls) as CallName[]).map((name) => [paths.api + name, operation(name)])),
      '/v1/images/generations': {
        post: {
          operationId: 'createImage',
          tags: ['openai'],
          requestBody: { required: true, content: content(schemaOf(ImageGeneration, 'input')) },
          responses: { 200: { description: 'Pictures as base64 PNG.' } },
          security: [{ key: [] }],
        },
      },
      '/v1/audio/speech': {
        post: {
          operationId: 'createSpeech',
          tags: ['openai'],
          requestBody: { required: true, content: content(schemaOf(SpeechGeneration, 'input')) },
          responses: {
            200: {
              description: 'The text as MP3, or as `response_format` asks.',
              content: Object.fromEntries(
                ['audio/mpeg', 'audio/flac', 'audio/wav'].map((type) => [type, { schema: { type: 'string', format: 'binary' } }]),
              ),
            },
          },
          security: [{ key: [] }],
        },
      },
      '/v1/models': {
        get: {
          operationId: 'listModels',
          tags: ['openai'],
          responses: { 200: { description: 'Usable models.' } },
          security: [{ key: [] }],
        },
      },
    },
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
  };
}
