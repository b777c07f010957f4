import { describe, expect, it } from 'vitest';
import type { DictionaryEntry } from '../../../src/contract/index.js';
import { Dictionary } from '../../../src/renderer/settings/dictionary.svelte.js';
import { Notices } from '../../../src/renderer/shared/notices.svelte.js';
import { Studio } from '../../../src/renderer/studio.svelte.js';
import { FakeBridge, type Handlers } from './fakes.js';

const resgen: DictionaryEntry = { word: 'resgen', said: 'rez jen' };

function opened(handlers: Handlers = {}): { bridge: FakeBridge; dictionary: Dictionary; notices: Notices } {
  const bridge = new FakeBridge({
    'dictionary.list': () => [resgen],
    'dictionary.set': ({ word, said }) => ({ word, said }),
    'dictionary.remove': () => null,
    ...handlers,
  });
  const notices = new Notices();
  return { bridge, notices, dictionary: new Dictionary(new Studio(bridge, notices)) };
}

describe('the dictionary of the settings', () => {
  it('adds a word, keeps what was typed where it is refused, and follows the studio', async () => {
    let refused = true;
    const { bridge, dictionary, notices } = opened({
      'dictionary.set': (entry) => (refused ? { code: 'bad-request', message: 'Word must be one word.' } : entry),
    });
    await dictionary.load();
    expect(dictionary.entries).toEqual([resgen]);
    [dictionary.word, dictionary.said] = ['two words', 'x'];
    await dictionary.add();
    expect([dictionary.word, dictionary.said, dictionary.problem]).toEqual(['two words', 'x', 'Word must be one word.']);
    refused = false;
    dictionary.word = 'word';
    await dictionary.add();
    expect(bridge.called('dictionary.set').at(-1)).toEqual({ word: 'word', said: 'x' });
    expect([dictionary.word, dictionary.said, dictionary.problem]).toEqual(['', '', '']);
    expect(notices.spoken).toBe('“word” is now said as “x”.');
    dictionary.onEvent({ name: 'dictionary', payload: [{ word: 'word', said: 'x' }] });
    expect(dictionary.entries).toEqual([{ word: 'word', said: 'x' }]);
  });

  it('removes a word with a way back', async () => {
    const { bridge, dictionary, notices } = opened();
    await dictionary.remove(resgen);
    expect(bridge.called('dictionary.remove')).toEqual([{ word: 'resgen' }]);
    notices.undo();
    expect(bridge.called('dictionary.set')).toEqual([resgen]);
  });

  it('says why it can’t be read', async () => {
    const { dictionary } = opened({ 'dictionary.list': () => ({ code: 'internal', message: 'It broke.' }) });
    await dictionary.load();
    expect([dictionary.entries, dictionary.problem]).toEqual([null, 'It broke.']);
  });
});
