export type { Asset } from './assets.js';
export { dataFolder } from './data-folder.js';
export { nodeEngine } from './node-engine-process.js';
export { type Studio, type StudioOptions, createStudio } from './studio.js';
