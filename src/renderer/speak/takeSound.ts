import { assets, type Take } from '../../contract/index.js';

/** Changes with what there is to hear of a take, and with nothing else. */
export function heardOf(take: Take): string {
  return take.sentences.map(({ item }) => item?.id ?? '').join();
}

/** The sound of a take as far as it is made, never one that was kept from before; null where there is none. */
export async function soundOf(job: string): Promise<Blob | null> {
  const reply = await fetch(assets.take(job), { cache: 'no-store' });
  return reply.ok ? reply.blob() : null;
}
