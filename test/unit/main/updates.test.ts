import { expect, test } from 'vitest';
import { type Updater, offerUpdate } from '../../../src/main/update-rules.js';

/** An updater that has one version, or none, and what the person says to it. */
function parts(version: string | null, wants: boolean, failure?: Error) {
  const did: string[] = [];
  const updater: Updater = {
    autoDownload: true,
    autoInstallOnAppQuit: false,
    checkForUpdates: () =>
      failure
        ? Promise.reject(failure)
        : Promise.resolve({ isUpdateAvailable: version !== null, updateInfo: { version: version ?? '0.1.0' } }),
    downloadUpdate: () => Promise.resolve(void did.push('downloaded')),
  };
  return {
    did,
    updater,
    ask: (found: string) => Promise.resolve((did.push(`asked for ${found}`), wants)),
    tell: (type: string, message: string) => Promise.resolve(void did.push(`${type}: ${message}`)),
  };
}

test('a newer version is downloaded only where the person says so', async () => {
  const no = parts('0.2.0', false);
  await offerUpdate(no, false);
  expect(no.did).toEqual(['asked for 0.2.0']);
  expect(no.updater.autoDownload).toBe(false);
  const yes = parts('0.2.0', true);
  await offerUpdate(yes, false);
  expect(yes.did).toEqual(['asked for 0.2.0', 'downloaded', 'info: Version 0.2.0 is here. It is put in place when you close the studio.']);
  expect(yes.updater.autoInstallOnAppQuit).toBe(true);
});

test('whoever looks hears that there is none, or why it could not be found out; a start says nothing', async () => {
  const none = parts(null, true);
  await offerUpdate(none, false);
  expect(none.did).toEqual([]);
  await offerUpdate(none, true);
  expect(none.did).toEqual(['info: This is the newest version.']);
  const offline = parts(null, true, new Error('net::ERR_INTERNET_DISCONNECTED\n at somewhere'));
  await offerUpdate(offline, false);
  expect(offline.did).toEqual([]);
  await offerUpdate(offline, true);
  expect(offline.did).toEqual(['error: The update could not be had (net::ERR_INTERNET_DISCONNECTED). Check the network, then try again.']);
});
