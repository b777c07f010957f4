import { execFileSync } from 'node:child_process';

/** The Python that tests let read what the studio wrote. */
export const PYTHON = process.env['RESGEN_PYTHON'] ?? 'python3';

/** Whether it has what reading token files takes; says so where it has not. */
export function pythonReadsTokens(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import numpy, safetensors.numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stdout.write(
      `Skipped: ${PYTHON} has no numpy and safetensors, so that it can't read token files (RESGEN_PYTHON names another).\n`,
    );
    return false;
  }
}
