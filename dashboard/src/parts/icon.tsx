/** Lines of each sign on a ground of 16 by 16. */
const paths = {
  overview: 'M2.5 8.5 8 3l5.5 5.5M4 7.5V13h3v-3h2v3h3V7.5',
  list: 'M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01',
  shield: 'M8 1.8 13 3.8v3.7c0 3.2-2.1 5.5-5 6.7-2.9-1.2-5-3.5-5-6.7V3.8zM5.8 8l1.6 1.6 2.9-3.2',
  calendar:
    'M2.5 4.5a1 1 0 0 1 1-1h9a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1zM2.5 6.8h11M5.3 2v2.5M10.7 2v2.5',
  branch:
    'M4.5 5.5v5M4.5 5.5a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zm0 8.4a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zm7-7.4a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zm0 0c0 3-3.5 2.5-6.5 4.3',
  plan: 'M8 2.5v5M5.5 5h5M5.5 12h5M2.5 9.5h11',
  orphan: 'm6.5 9.5 3-3M5 7 3.2 8.8a2.8 2.8 0 0 0 4 4L8.5 11.5M11 9l1.8-1.8a2.8 2.8 0 0 0-4-4L7.5 4.5',
  activity: 'M1.8 8.5h2.7l2-5 3 9 2-4h2.7',
  ready: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.4 8.2l1.8 1.8 3.5-3.8',
  working: 'M13.5 8a5.5 5.5 0 0 1-9.7 3.5M2.5 8a5.5 5.5 0 0 1 9.7-3.5M12.5 2v2.7H9.8M3.5 14v-2.7h2.7',
  stalled: 'M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM8 5v3.6M8 11h.01',
  held: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.5 6v4M9.5 6v4',
  refused: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM4 4l8 8',
  invalid: 'M8 2.2 14.3 13H1.7zM8 6.5v3M8 11.3h.01',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3 14 14',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  scheme: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 2v12M8 5l5-1M8 8h6M8 11l5 1',
  copy: 'M5.5 5.5v-2a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-2M2.5 6.5a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1z',
  done: 'm3 8.5 3.3 3.3L13 4.8',
  close: 'M4 4l8 8M12 4l-8 8',
  up: 'M4 10l4-4 4 4',
  down: 'M4 6l4 4 4-4',
  left: 'M10 4 6 8l4 4',
  right: 'm6 4 4 4-4 4',
  snapshot:
    'M2.5 5.5a1 1 0 0 1 1-1h1.7L6.3 3h3.4l1.1 1.5h1.7a1 1 0 0 1 1 1V12a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1zM8 10.8a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6z',
  restore: 'M3 3.5v3.3h3.3M3.2 6.8A5.2 5.2 0 1 1 2.8 9M8 5.5V8.3l2 1.2',
  key: 'M6 12.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8.2 7.3l4.6-4.6M11 4.5l2 2',
  pin: 'M5.5 2.5h5l-.6 4 2.1 2.5H4l2.1-2.5zM8 9v4.5',
  cloud: 'M4.8 12.5a2.8 2.8 0 0 1-.3-5.6 3.8 3.8 0 0 1 7.3.9 2.4 2.4 0 0 1-.3 4.7zM3 3l10 10',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.5',
  missing: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.5 8h5',
} as const

export type IconName = keyof typeof paths

/** A sign beside words. Readers skip it, so that the words must stand alone. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={paths[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  )
}
