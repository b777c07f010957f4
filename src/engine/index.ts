export {
  type DecodeFunction,
  type Sample,
  type SampleItem,
  type SampleOptions,
  type StepFunction,
  type StepInputs,
  type StepOutputs,
  type StepReport,
  sample,
} from './sampler.js';
export { Engine, type GenerateOptions, type LoadOptions, type Picture, type SpeakItem, type Spoken } from './engine.js';
export { phoneNumbers, positionsOf, textFrames } from './speech.js';
export { type ModelPackage, inspectPackage, openPackage, readPackageFile, verifyPackage } from './package.js';
export { type NamedTensor, type Safetensors, readSafetensors, writeSafetensors } from './safetensors.js';
export { type TokenFile, readTokenFile, writeTokenFile } from './tokens.js';
export { gamma, maskedAfter } from './schedule.js';
export { Codebooks, readCodebooks } from './inspect/codebooks.js';
export { type Tokens, blend, setCodes, swapDepths, zeroDepth } from './inspect/edits.js';
export { maskBelow, maskLeastConfident, maskPositions, maskTokens } from './inspect/masks.js';
export { maskedCounts, visibleAfter } from './inspect/replay.js';
export { CodeCounts, compareTokens, depthEnergy, residualEnergy, tokenNorms } from './inspect/measures.js';
export { principalPlane } from './inspect/plane.js';
export { readNpy, writeCsv, writeNpy } from './inspect/npy.js';
export { listedProviders } from './session.js';
export { reveal } from './reveal.js';
export { FrontEnd, type Sentence, type UserDictionary } from './text/phones.js';
export { type G2p, loadG2p } from './text/g2p.js';
