import { signal } from '@preact/signals'
import { Icon } from './icon.tsx'

const schemes = ['auto', 'light', 'dark'] as const
type Scheme = (typeof schemes)[number]
const storeName = 'mooring-scheme'

const scheme = signal<Scheme>(readScheme())
show(scheme.value)

function readScheme(): Scheme {
  try {
    return schemes.find((each) => each === localStorage.getItem(storeName)) ?? 'auto'
  } catch {
    // Browsers may forbid a page to store anything.
    return 'auto'
  }
}

function show(value: Scheme) {
  if (value === 'auto') delete document.documentElement.dataset.scheme
  else document.documentElement.dataset.scheme = value
}

/** Light, dark, or what the machine prefers. */
export function SchemeButton() {
  return (
    <button
      type="button"
      class="button bare small square"
      aria-label={`Colours: ${scheme.value}`}
      title={`Colours: ${scheme.value}`}
      onClick={() => {
        scheme.value = schemes[(schemes.indexOf(scheme.value) + 1) % schemes.length] ?? 'auto'
        show(scheme.value)
        try {
          localStorage.setItem(storeName, scheme.value)
        } catch {
          // It lasts as long as this page, where the browser forbids more.
        }
      }}
    >
      <Icon name="scheme" />
    </button>
  )
}
