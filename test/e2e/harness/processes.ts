import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

interface ProcessInfo {
  pid: number;
  parent: number;
  command: string;
}

function processes(): ProcessInfo[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n');
  return lines.flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match ? [{ pid: Number(match[1]), parent: Number(match[2]), command: match[3] ?? '' }] : [];
  });
}

/** The process and everything that it started. */
function family(pid: number): ProcessInfo[] {
  const all = processes();
  const found = all.filter((p) => p.pid === pid);
  for (const member of found) found.push(...all.filter((p) => p.parent === member.pid));
  return found;
}

/** The engine process below a host: plain Node runs `engine.js`, Electron a utility process of Node's service. */
export function enginePid(host: number): number | undefined {
  return family(host).find(({ command }) => command.includes('engine.js') || command.includes('--utility-sub-type=node.mojom.NodeService'))
    ?.pid;
}

/** Ends a process with SIGKILL, waits until it is gone, and everything that it started with it. */
export async function killTree(pid: number): Promise<void> {
  const members = family(pid).map((member) => member.pid);
  // Its owner first, as in a crash: the others have to notice by themselves.
  for (const member of members) {
    try {
      process.kill(member, 'SIGKILL');
    } catch {
      // It noticed already.
    }
  }
  while (processes().some((p) => members.includes(p.pid) && !p.command.includes('<defunct>'))) await delay(50);
}
