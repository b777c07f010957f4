import { createContext } from 'svelte';
import type { Notices } from './notices.svelte.js';

/** The window's messages, for components far below it. */
export const [getNotices, setNotices] = createContext<Notices>();
