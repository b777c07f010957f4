/** Line icons on a 24 by 24 grid, drawn with a round stroke. */
export const icons = {
  alert: 'M12 4 21 19.5H3zM12 10v4.5M12 17.2v.1',
  back: 'M14.5 5.5 8 12l6.5 6.5',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  close: 'm6 6 12 12M18 6 6 18',
  compare: 'M4 5h6.5v14H4zM13.5 5H20v14h-6.5z',
  cpu: 'M7 7h10v10H7zM10 10h4v4h-4zM9.5 4v3M14.5 4v3M9.5 17v3M14.5 17v3M4 9.5h3M4 14.5h3M17 9.5h3M17 14.5h3',
  dice: 'M7 4h10a3 3 0 0 1 3 3v10a3 3 0 0 1-3 3H7a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3M7.9 8.5a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0M14.9 8.5a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0M11.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0M7.9 15.5a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0M14.9 15.5a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0',
  down: 'm6 9.5 6 6 6-6',
  download: 'M12 4v11M7 10.5l5 5 5-5M5 19.5h14',
  fit: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  folder: 'M3.5 6.5h6l2 2.5h9v9.5h-17z',
  forward: 'm9.5 5.5 6.5 6.5-6.5 6.5',
  images: 'M4 4h13v13H4zM4 14l4-4 4.5 4.5L15 12l2 2M13 8.2v.1M20 8v12H8',
  import: 'M12 15V4M7 8.5l5-5 5 5M5 14.5v5h14v-5',
  keyboard:
    'M4 6h16a1.5 1.5 0 0 1 1.5 1.5v9A1.5 1.5 0 0 1 20 18H4a1.5 1.5 0 0 1-1.5-1.5v-9A1.5 1.5 0 0 1 4 6M6.5 10h1M11.5 10h1M16.5 10h1M8 14h8',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  minus: 'M5.5 12h13',
  pin: 'M9 4h6M10 4v6l-3 4h10l-3-4V4M12 14v6.5',
  pixels: 'M4 4h16v16H4zM4 12h16M12 4v16',
  plus: 'M5.5 12h13M12 5.5v13',
  redo: 'M19 5v5h-5M19 10a7.5 7.5 0 1 0 .5 4.5',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.3 15.3 20 20',
  settings: 'M4 7h9M17 7h3M13 7a2 2 0 1 0 4 0 2 2 0 1 0-4 0M4 17h3M11 17h9M7 17a2 2 0 1 0 4 0 2 2 0 1 0-4 0',
  smooth: 'M4 17c4 0 4-10 8-10s4 10 8 10',
  spark: 'M12 3.5 13.8 10.2 20.5 12l-6.7 1.8L12 20.5l-1.8-6.7L3.5 12l6.7-1.8z',
  stop: 'M7 7h10v10H7z',
  trash: 'M4.5 6.5h15M9.5 6.5V4h5v2.5M6.5 6.5 7.5 20h9l1-13.5M10 10.5v5.5M14 10.5v5.5',
  undo: 'M5 5v5h5M5.5 10a7.5 7.5 0 1 1-.5 4.5',
} as const;

export type IconName = keyof typeof icons;
