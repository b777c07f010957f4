import { app, protocol, session, shell, type BrowserWindowConstructorOptions, type WebContents, type WebFrameMain } from 'electron';

/**
 * Everything Electron's security checklist asks for, in one place. Each rule names its page.
 * https://www.electronjs.org/docs/latest/tutorial/security
 */

export const SCHEME = 'studio';
export const ORIGIN = `${SCHEME}://app`;

/** The renderer may ask for these and gets them without a question, and the microphone; it is refused anything else. */
const PERMISSIONS = new Set(['clipboard-sanitized-write']);

/** The system's own question, where it has one, is still asked. */
const isMicrophone = (permission: string, media: readonly (string | undefined)[] = []): boolean =>
  permission === 'media' && media.length > 0 && media.every((type) => type === 'audio');

/**
 * Own scheme instead of file://, with a real origin.
 * https://www.electronjs.org/docs/latest/tutorial/security#18-avoid-usage-of-the-file-protocol-and-prefer-usage-of-custom-protocols
 */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    // With a code cache the page's scripts are compiled once for all starts.
    { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true } },
  ]);
}

/**
 * No Node, an isolated world and a sandbox for every page.
 * https://www.electronjs.org/docs/latest/tutorial/security#2-do-not-enable-nodejs-integration-for-remote-content
 * https://www.electronjs.org/docs/latest/tutorial/security#3-enable-context-isolation
 * https://www.electronjs.org/docs/latest/tutorial/security#4-enable-process-sandboxing
 */
export function webPreferences(preload: string): NonNullable<BrowserWindowConstructorOptions['webPreferences']> {
  return {
    preload,
    nodeIntegration: false,
    contextIsolation: true,
    sandbox: true,
    webSecurity: true,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
    devTools: !app.isPackaged,
  };
}

/**
 * https://www.electronjs.org/docs/latest/tutorial/security#7-define-a-content-security-policy
 * @param devServer origin of Vite's server, which injects styles and talks over a WebSocket; null for a built renderer
 */
function contentSecurityPolicy(devServer: string | null): string {
  const styles = devServer ? "'self' 'unsafe-inline'" : "'self'";
  const connections = devServer ? `'self' ${devServer.replace('http', 'ws')}` : "'self'";
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styles}`,
    // Svelte writes `style="…"` attributes into its templates; they cannot load or run anything.
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "worker-src 'self'",
    `connect-src ${connections}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The headers of every answer under the studio's scheme. */
export function securityHeaders(devServer: string | null): Record<string, string> {
  return {
    'content-security-policy': contentSecurityPolicy(devServer),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  };
}

/**
 * https://www.electronjs.org/docs/latest/tutorial/security#5-handle-session-permission-requests-from-remote-content
 * Must run once the app is ready and before a window loads anything.
 */
export function guardSession(devServer: string | null): void {
  const { defaultSession } = session;
  defaultSession.setPermissionRequestHandler((contents, permission, decide, details) => {
    const media = 'mediaTypes' in details ? details.mediaTypes : [];
    decide((PERMISSIONS.has(permission) || isMicrophone(permission, media)) && isStudioUrl(contents.getURL()));
  });
  defaultSession.setPermissionCheckHandler(
    (_contents, permission, origin, { mediaType }) =>
      (PERMISSIONS.has(permission) || isMicrophone(permission, [mediaType])) && isStudioUrl(origin),
  );
  defaultSession.setDevicePermissionHandler(() => false);

  // The studio needs no network at all: what a page could send out or read from the disk is refused here, whatever its policy says.
  // https://www.electronjs.org/docs/latest/tutorial/security#1-only-load-secure-content
  const devHost = devServer && new URL(devServer).host;
  defaultSession.webRequest.onBeforeRequest(
    { urls: ['http://*/*', 'https://*/*', 'ws://*/*', 'wss://*/*', 'ftp://*/*', 'file://*/*'] },
    (details, decide) => decide({ cancel: new URL(details.url).host !== devHost }),
  );
}

/**
 * No page may leave the studio, open a window or hold a webview.
 * https://www.electronjs.org/docs/latest/tutorial/security#12-verify-webview-options-before-creation
 * https://www.electronjs.org/docs/latest/tutorial/security#13-disable-or-limit-navigation
 * https://www.electronjs.org/docs/latest/tutorial/security#14-disable-or-limit-creation-of-new-windows
 */
export function guardContents(contents: WebContents): void {
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.on('will-frame-navigate', (event) => {
    if (event.isMainFrame && isStudioUrl(event.url)) return;
    event.preventDefault();
    if (event.isMainFrame) openInBrowser(event.url);
  });
  contents.setWindowOpenHandler(({ url }) => {
    openInBrowser(url);
    return { action: 'deny' };
  });
}

/**
 * Links of a model's card go to the person's browser, and only there; other schemes could start any program.
 * https://www.electronjs.org/docs/latest/tutorial/security#15-do-not-use-shellopenexternal-with-untrusted-content
 */
function openInBrowser(url: string): void {
  if (URL.canParse(url) && new URL(url).protocol === 'https:') void shell.openExternal(url);
}

/**
 * https://www.electronjs.org/docs/latest/tutorial/security#17-validate-the-sender-of-all-ipc-messages
 * @returns whether a message comes from the studio's own page, in the main frame of its window
 */
export function isTrustedSender(frame: WebFrameMain | null): boolean {
  return frame !== null && frame.parent === null && isStudioUrl(frame.url);
}

function isStudioUrl(url: string): boolean {
  return URL.canParse(url) && new URL(url).protocol === `${SCHEME}:` && new URL(url).host === 'app';
}
