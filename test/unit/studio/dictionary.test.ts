import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FrontEnd, loadG2p } from '../../../src/engine/index.js';
import { openStudio } from './support.js';

it('keeps words and how they are said, one way each, over a restart', async () => {
  const first = openStudio();
  const { ask, events } = first;
  expect(await ask('dictionary.list', null)).toEqual([]);
  await ask('dictionary.set', { word: ' ResGen ', said: 'rez  jen ' });
  await ask('dictionary.set', { word: 'Nguyễn', said: 'win' });
  expect(await ask('dictionary.set', { word: 'resgen', said: 'R EH1 Z JH EH2 N' })).toEqual({ word: 'resgen', said: 'R EH1 Z JH EH2 N' });
  const entries = [
    { word: 'nguyen', said: 'win' },
    { word: 'resgen', said: 'R EH1 Z JH EH2 N' },
  ];
  expect(await ask('dictionary.list', null)).toEqual(entries);
  expect(events.at(-1)).toEqual({ name: 'dictionary', payload: entries });
  await first.studio.close();
  const second = openStudio({ data: first.data });
  await second.ask('dictionary.remove', { word: 'NGUYEN' });
  expect(await second.ask('dictionary.list', null)).toEqual(entries.slice(1));
  await expect(second.ask('dictionary.remove', { word: 'nguyen' })).rejects.toThrow(
    'not-found: The word “nguyen” is not in the dictionary.',
  );
});

it('is what the front end says', async () => {
  const { ask } = openStudio();
  await ask('dictionary.set', { word: 'ResGen', said: 'R EH1 Z JH EH2 N' });
  await ask('dictionary.set', { word: 'Nguyễn', said: 'win' });
  const words = Object.fromEntries((await ask('dictionary.list', null)).map(({ word, said }) => [word, said]));
  const frontEnd = new FrontEnd(loadG2p(readFileSync('resources/text/g2p.bin')), words);
  expect(frontEnd.read('Nguyễn likes ResGen')).toMatchObject([{ phones: 'W IH1 N _ L AY1 K S _ R EH1 Z JH EH2 N .'.split(' ') }]);
});

it.each([
  ['two words', 'x', /^bad-request: Word must be one word, in the letters a to z\./],
  ['', 'x', /Word must be one word/],
  ['日本', 'x', /Word must be one word/],
  ['a'.repeat(61), 'x', /Word must have at most 60 characters/],
  ['word', '', /^bad-request: Said must be phones like “R EH1 Z JH EH2 N”, or the word respelled in small letters/],
  ['word', 'QX1 ZZ', /Said must be phones like/],
  ['word', 'R EH N', /Said must be phones like/],
  ['word', 'w0rd', /Said must be phones like/],
  ['word', 'a'.repeat(201), /Said must have at most 200 characters/],
])('refuses the word “%s” said “%s” with a sentence', async (word, said, sentence) => {
  const { ask } = openStudio();
  await expect(ask('dictionary.set', { word, said })).rejects.toThrow(sentence);
  expect(await ask('dictionary.list', null)).toEqual([]);
});
