import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { projectRoot } from './harness/host.js';
import { ElectronHost } from './harness/electron-host.js';
import { expect, test } from './harness/test.js';

test('a page has the bridge and nothing of Node', async ({ studio }) => {
  const seen = await studio.page.evaluate(() => ({
    bridge: Object.keys(window.studio ?? {}).sort(),
    require: 'require' in window,
    process: 'process' in window,
    module: 'module' in window,
  }));
  expect(seen).toEqual({ bridge: ['call', 'subscribe'], require: false, process: false, module: false });
});

test('its window is isolated, sandboxed and has no privilege that a page could use', async ({ studio }) => {
  const { app } = studio.host as ElectronHost;
  const preferences = await app.evaluate(({ webContents }) =>
    webContents
      .getAllWebContents()
      .map((contents) => ({ ...(contents as { getLastWebPreferences?(): object }).getLastWebPreferences?.() })),
  );
  expect(preferences).toHaveLength(1);
  expect(preferences[0]).toMatchObject({
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    enableBlinkFeatures: '',
  });
});

test('every answer of the scheme brings the content policy, as a header', async ({ studio }) => {
  const policies = await studio.page.evaluate(async () => {
    const answers = await Promise.all(['/', '/index.html', '/none.js', '/assets/items/none/picture.png'].map((path) => fetch(path)));
    return answers.map(({ headers }) => headers.get('content-security-policy') ?? '');
  });
  for (const policy of policies) {
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe-eval');
    expect(policy).not.toMatch(/https?:/);
  }
});

test('only links of the web leave for the browser, and no webview comes to be', async ({ studio }) => {
  const { app } = studio.host as ElectronHost;
  await app.evaluate(({ shell }) => {
    const opened: string[] = [];
    Object.assign(globalThis, { opened });
    shell.openExternal = (url) => Promise.resolve(void opened.push(url));
  });
  await studio.page.evaluate(() => {
    const addresses = [
      'file:///etc/passwd',
      'smb://host/share',
      'javascript:alert(1)',
      'ms-msdt:/id',
      'http://example.org/',
      'data:text/html,x',
    ];
    for (const address of addresses) window.open(address);
    window.open('https://example.org/card');
    const view = document.createElement('webview');
    view.setAttribute('src', 'https://example.org/');
    document.body.append(view);
  });
  await expect.poll(() => app.evaluate(() => (globalThis as { opened?: string[] }).opened)).toEqual(['https://example.org/card']);
  expect(await app.evaluate(({ webContents }) => webContents.getAllWebContents().length)).toBe(1);
});

test('another page, even with the same preload, gets no answer from the studio', async ({ studio }) => {
  const { app } = studio.host as ElectronHost;
  const reply = await app.evaluate(async ({ app: electron, BrowserWindow }) => {
    const preload = `${electron.getAppPath()}/out/preload/index.cjs`;
    const foreign = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true, contextIsolation: true } });
    await foreign.loadURL('data:text/html,<title>foreign</title>');
    const answer: unknown = await foreign.webContents.executeJavaScript("window.studio.call('app.info', null)");
    foreign.destroy();
    return answer;
  });
  expect(reply).toEqual({ ok: false, error: { code: 'refused', message: 'This page may not call the studio.' } });
});

test('the scheme serves the studio and its files, nothing beside them', async ({ studio }) => {
  const status = (url: string) =>
    studio.page.evaluate(
      (address) =>
        fetch(address).then(
          (response) => response.status,
          () => 'refused',
        ),
      url,
    );
  expect(await status('studio://app/')).toBe(200);
  expect(await status('studio://app/../..')).toBe(200);
  expect(await status('studio://app/../../package.json')).toBe(404);
  expect(await status('studio://app/..%2f..%2fpackage.json')).toBe(403);
  expect(await status('studio://app/..%5c..%5cpackage.json')).toBe(403);
  expect(await status('studio://app/%00')).toBe(403);
  expect(await status('studio://app/assets/items/..%2f..%2fstudio.db/picture.png')).toBe(404);
  expect(await status('studio://elsewhere/')).toBe('refused');
  expect(await status('file:///etc/hostname')).toBe('refused');
  expect(await status('https://example.org/')).toBe('refused');
});

test('answers Range with 206', async ({ studio }) => {
  const answers = await studio.page.evaluate(async () => {
    const ask = async (range: string) => {
      const response = await fetch('/index.html', { headers: { range } });
      return { status: response.status, range: response.headers.get('content-range'), text: await response.text() };
    };
    return { first: await ask('bytes=0-8'), last: await ask('bytes=-8'), beyond: await ask('bytes=9999999-') };
  });
  expect(answers.first).toMatchObject({ status: 206, text: '<!doctype' });
  expect(answers.first.range).toMatch(/^bytes 0-8\/\d+$/);
  expect(answers.last.text.trim()).toBe('</html>');
  expect(answers.beyond.status).toBe(416);
});

test('no page can leave, open a window, hold a frame of another site or run code that was written into it', async ({ studio }) => {
  const host = studio.host as ElectronHost;
  await host.app.evaluate(({ shell }) => {
    shell.openExternal = () => Promise.resolve();
  });
  const address = studio.page.url();
  expect(await studio.page.evaluate(() => window.open('https://example.org/'))).toBeNull();
  await studio.page.evaluate(() => location.assign('https://example.org/'));
  await studio.page.evaluate(() => location.assign('file:///etc/hostname'));
  const ran = await studio.page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.injected = true';
    document.body.append(script);
    const frame = document.createElement('iframe');
    frame.src = 'https://example.org/';
    document.body.append(frame);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return 'injected' in window;
  });
  expect(ran).toBe(false);
  expect(studio.page.url()).toBe(address);
  expect(host.app.windows()).toHaveLength(1);
});

test('refuses every permission but writing to the clipboard and the microphone', async ({ studio }) => {
  const state = await studio.page.evaluate(() => Notification.requestPermission());
  expect(state).toBe('denied');
  const ask = (constraints: MediaStreamConstraints) =>
    studio.page.evaluate(
      (wanted) =>
        navigator.mediaDevices.getUserMedia(wanted).then(
          () => 'granted',
          (error: Error) => error.name,
        ),
      constraints,
    );
  // Where the machine has none, the question does not come up.
  expect(await ask({ video: true })).toMatch(/NotAllowedError|NotFoundError/);
  expect(await ask({ audio: true, video: true })).toMatch(/NotAllowedError|NotFoundError/);
  expect(await ask({ audio: true })).toMatch(/granted|NotFoundError/);
});

test('a call that the contract does not have comes back as a refusal', async ({ studio }) => {
  const reply = await studio.page.evaluate(() => window.studio?.call('app.nothing' as 'app.info', null));
  expect(reply).toMatchObject({ ok: false, error: { code: 'bad-request' } });
});

test('a second instance hands over to the first and leaves', async ({ studio, data }) => {
  const host = studio.host as ElectronHost;
  const executable = await host.app.evaluate(() => process.execPath);
  await host.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.minimize());
  const second = spawn(executable, [projectRoot, '--no-sandbox', '--disable-gpu', `--user-data-dir=${data.folder}`], { stdio: 'ignore' });
  const [code] = (await once(second, 'exit')) as [number];
  expect(code).toBe(0);
  await expect.poll(() => host.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isMinimized())).toBe(false);
});

test('asks before it closes on a running job, and remembers the size of its window', async ({ launch }) => {
  const studio = await launch();
  const { app } = studio.host as ElectronHost;
  await app.evaluate(({ BrowserWindow, dialog }) => {
    BrowserWindow.getAllWindows()[0]?.setSize(900, 700);
    // A person who changes their mind.
    dialog.showMessageBox = () => {
      Object.assign(globalThis, { asked: true });
      return Promise.resolve({ response: 1, checkboxChecked: false });
    };
  });
  await studio.start({ class: 'Circle', count: 1000, seed: 1 });
  await expect(studio.stopButton).toBeVisible();
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
  await expect.poll(() => app.evaluate(() => 'asked' in globalThis)).toBe(true);
  await studio.stopButton.click();
  await expect(studio.stopButton).toBeHidden();
  await app.close();

  const again = (await launch()).host as ElectronHost;
  const size = await again.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getSize());
  expect(size).toEqual([900, 700]);
});
