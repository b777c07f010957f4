import { createContext } from 'svelte';

/** Opens the inspector's codebook page over the items that are selected on another page. */
export const [getShowCodebook, setShowCodebook] = createContext<(ids: readonly string[]) => void>();
