import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import svelte from 'eslint-plugin-svelte';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** Who may import whom (each room may always import itself). The hosts are thin: they reach the engine only through the studio. */
const ROOMS = {
  contract: [],
  engine: ['contract'],
  studio: ['contract', 'engine'],
  main: ['contract', 'studio'],
  server: ['contract', 'studio'],
  // `resgen serve` starts the browser host.
  cli: ['contract', 'studio', 'server'],
  preload: ['contract'],
  renderer: ['contract'],
};

const zones = Object.entries(ROOMS).map(([room, allowed]) => ({
  target: `./src/${room}`,
  from: './src',
  except: [room, ...allowed].map((name) => `./${name}`),
  message: `src/${room} may import only ${['itself', ...allowed].join(', ')}.`,
}));

const noElectron = { name: 'electron', message: 'Only src/main and src/preload may import Electron.' };
const noRawIpc = (...importNames) => ({
  name: 'electron',
  importNames,
  message: 'IPC goes through src/main/ipc.ts and src/preload/index.ts alone.',
});

export default defineConfig(
  globalIgnores(['out/', 'dist/', '.cache/', 'test-results/', 'playwright-report/', 'coverage/', 'training/']),
  tseslint.configs.strict,
  svelte.configs.recommended,
  {
    files: ['**/*.ts', '**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: tseslint.parser, projectService: true, extraFileExtensions: ['.svelte'] } },
    rules: {
      // What a function refers to before it is assigned can't be a const, nor can props taken apart beside a bindable one.
      'prefer-const': ['error', { ignoreReadBeforeAssign: true, destructuring: 'all' }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  {
    files: ['src/**'],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.svelte'], extensionAlias: { '.js': ['.ts', '.js'] } })],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'no-restricted-imports': ['error', { paths: [noElectron] }],
    },
  },
  { files: ['src/main/**'], rules: { 'no-restricted-imports': ['error', { paths: [noRawIpc('ipcMain', 'ipcRenderer')] }] } },
  // Electron's types are of the version that ships, and say what the next ones take away.
  { files: ['src/main/**', 'src/preload/**'], rules: { '@typescript-eslint/no-deprecated': 'error' } },
  { files: ['src/main/ipc.ts'], rules: { 'no-restricted-imports': ['error', { paths: [noRawIpc('ipcRenderer')] }] } },
  { files: ['src/preload/**'], rules: { 'no-restricted-imports': ['error', { paths: [noRawIpc('ipcMain')] }] } },
  {
    files: ['src/renderer/**'],
    languageOptions: { globals: globals.browser },
    // Sets and maps are values here, replaced as a whole ($state.raw), or hold what is not drawn.
    rules: { 'svelte/prefer-svelte-reactivity': 'off' },
  },
  { files: ['scripts/**', 'bench/**', '*.config.*', 'test/**'], languageOptions: { globals: globals.node } },
);
