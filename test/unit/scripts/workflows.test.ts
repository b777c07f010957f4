import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Step {
  name?: string;
  uses?: string;
  run?: string;
  shell?: string;
  if?: string;
  env?: Record<string, string>;
}
interface Workflow {
  on: object;
  permissions?: object;
  jobs: Record<string, { needs?: string | string[]; 'runs-on'?: string; 'timeout-minutes'?: number; steps: Step[]; env?: object }>;
}

const FOLDER = '.github/workflows';
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
/** npm's own, which need no entry. */
const BUILT_IN = ['ci', 'install', 'pack'];
const workflows = readdirSync(FOLDER).map((name) => [name, parse(readFileSync(join(FOLDER, name), 'utf8')) as Workflow] as const);

describe.each(workflows)('%s', (_name, { jobs, permissions, on }) => {
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const runs = steps.flatMap(({ run }) => (run === undefined ? [] : [run]));

  it('says when it runs, what it may do, and how long at most', () => {
    expect(Object.keys(on)).not.toEqual([]);
    expect(permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(jobs)) {
      expect(job['runs-on']).toBeTypeOf('string');
      expect(job.steps.length).toBeGreaterThan(0);
      for (const needed of [job.needs ?? []].flat()) expect(jobs).toHaveProperty([needed]);
    }
  });

  it('has steps that either use an action of a fixed version or run something', () => {
    for (const step of steps) {
      expect([step.uses, step.run].filter((part) => part !== undefined)).toHaveLength(1);
      if (step.uses !== undefined) expect(step.uses).toMatch(/^[\w-]+\/[\w-]+@v\d+(?:\.\d+)*$/);
    }
  });

  it('runs only what is there', () => {
    for (const run of runs) {
      for (const [, name = ''] of run.matchAll(/npm run (?:-s )?([\w:-]+)/g)) expect(scripts).toHaveProperty([name]);
      for (const [, name = ''] of run.matchAll(/npm (?!run\b)([\w-]+)/g)) expect([...BUILT_IN, ...Object.keys(scripts)]).toContain(name);
      for (const [file] of run.matchAll(/(?:^|\s)(?:\.\/)?((?:scripts|bench|\.ci)\/[\w./-]+)/gm))
        expect(existsSync(file.trim())).toBe(true);
      for (const [, name = ''] of run.matchAll(/npx ([\w-]+)/g)) expect(existsSync(join('node_modules', '.bin', name))).toBe(true);
    }
  });

  it('checks out before it needs the files, and installs before it runs them', () => {
    for (const { steps: own } of Object.values(jobs)) {
      const first = (matches: (step: Step) => boolean): number => own.findIndex(matches);
      const needs = first(({ run = '' }) => /npm run|npx |node scripts\/|\.ci\/run/.test(run));
      if (needs === -1) continue;
      expect(first(({ uses = '' }) => uses.startsWith('actions/checkout@'))).toBe(0);
      const installs = first(({ run = '' }) => /npm ci|\.ci\/run/.test(run));
      expect(installs).toBeGreaterThan(0);
      expect(installs).toBeLessThanOrEqual(needs);
    }
  });

  it('puts nothing that a stranger may write into a shell', () => {
    // It could end the command and begin another; through the environment it is but text.
    for (const run of runs) expect(run.match(/\$\{\{(?! matrix\.)[^}]*\}\}/g) ?? []).toEqual([]);
  });
});
