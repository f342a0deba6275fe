import { signal } from '@preact/signals'
import { Icon } from './icon.tsx'
import { Prose } from './prose.tsx'

const message = signal<string | undefined>(undefined)
let timer: ReturnType<typeof setTimeout> | undefined

/** Says what became of something that the person did. */
export function say(text: string): void {
  message.value = text
  clearTimeout(timer)
  timer = setTimeout(() => {
    message.value = undefined
  }, 9000)
}

export function Toast() {
  return (
    <div role="status">
      {message.value !== undefined && (
        <div class="toast tone-ready">
          <Icon name="done" />
          <span>
            <Prose text={message.value} />
          </span>
          <button
            type="button"
            class="button bare small square"
            aria-label="Close the message"
            onClick={() => {
              message.value = undefined
            }}
          >
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  )
}
