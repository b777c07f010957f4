import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makePackage, openStudio, request } from './support.js';

describe('warming up', () => {
  it('loads the model used last, before anybody asks for a picture', async () => {
    const { studio, data, ask, events } = openStudio();
    makePackage(join(data, 'models', 'other'), { id: 'other' });
    await ask('settings.set', { lastModel: 'other' });
    await studio.warmUp();
    expect(await ask('engine.status', null)).toMatchObject({ state: 'ready', model: 'other', problem: null });

    const before = events.length;
    const job = await ask('jobs.create', request({ model: 'other', count: 1 }));
    await expect.poll(async () => (await ask('jobs.list', null)).find(({ id }) => id === job.id)?.state).toBe('done');
    expect(events.slice(before).filter((e) => e.name === 'engine' && e.payload.state === 'starting')).toEqual([]);
  });

  it('leaves a model alone that a job has loaded meanwhile', async () => {
    const { studio, data, ask, ended, pids } = openStudio();
    makePackage(join(data, 'models', 'another'), { id: 'another' });
    const job = await ask('jobs.create', request({ count: 1 }));
    await ask('settings.set', { lastModel: 'another' });
    await studio.warmUp();
    await ended(job.id);
    expect(await ask('engine.status', null)).toMatchObject({ model: 'fake' });
    expect(pids).toHaveLength(1);
  });

  it('says nothing of what goes wrong: whoever asks for a picture hears of it', async () => {
    const nowhere = openStudio({
      spawn: () => {
        throw new Error('spawn ENOENT');
      },
    });
    await nowhere.studio.warmUp();
    expect(await nowhere.ask('engine.status', null)).toMatchObject({ problem: null });

    const empty = openStudio();
    rmSync(join(empty.data, 'models', 'fake'), { recursive: true });
    await empty.studio.warmUp();
    expect(empty.pids).toEqual([]);
  });
});
