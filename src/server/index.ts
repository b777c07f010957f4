export { type RunningServer, type ServerOptions, isLoopback, startServer } from './server.js';
