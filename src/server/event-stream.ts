import type { WebSocket } from '@fastify/websocket';
import { type Bridge, LIMITS, toJson } from '../contract/index.js';

/** A browser this far behind (a phone on a poor network) gets no more progress until it has caught up; other events are never dropped. */
const PROGRESS_BACKLOG = LIMITS.server.limits.progressBacklogBytes.value;
/** This far behind it is as good as gone: it connects again and reads everything anew. */
const MAX_BACKLOG = LIMITS.server.limits.backlogBytes.value;

/** The studio's events to every connected browser. */
export class EventStream {
  readonly #sockets = new Set<WebSocket>();
  readonly #unsubscribe: () => void;

  constructor(studio: Pick<Bridge, 'subscribe'>) {
    this.#unsubscribe = studio.subscribe((event) => {
      if (this.#sockets.size === 0) return;
      const text = toJson(event);
      for (const socket of this.#sockets) {
        if (socket.bufferedAmount > MAX_BACKLOG) socket.terminate();
        else if ((event.name !== 'progress' && event.name !== 'edit') || socket.bufferedAmount < PROGRESS_BACKLOG) socket.send(text);
      }
    });
  }

  add(socket: WebSocket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // Followed by 'close'; without a listener it would end the process.
    socket.on('error', () => undefined);
  }

  close(): void {
    this.#unsubscribe();
    for (const socket of this.#sockets) socket.terminate();
  }
}
