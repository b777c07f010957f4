export { stageRestore } from './backup.js';
export { CrashReports } from './crash-reports.js';
export { dataFolder, moveDataFolder } from './data-folder.js';
export { nodeEngine } from './node-engine-process.js';
export { type Preferences, readPreferences } from './preferences.js';
export { writeRepository } from '../engine/remote/repository.js';
export type { Asset } from './assets.js';
export { type Studio, createStudio } from './studio.js';
