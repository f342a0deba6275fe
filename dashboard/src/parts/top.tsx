import { useEffect, useRef } from 'preact/hooks'
import { useLocation } from 'preact-iso/router'
import { queryOf } from '../data/format.ts'
import { awaySinceMs, connection } from '../data/live.ts'
import { formatRelative } from './durations.ts'
import { Icon } from './icon.tsx'
import { SessionButton } from './log-in.tsx'
import { isMenuOpen } from './side.tsx'
import { now } from './time.tsx'

/** The bar over every page: finds declarations, says whether the page is current, and who looks. */
export function Top() {
  return (
    <header class="top">
      <button
        type="button"
        class="button bare square menu-button"
        aria-label="Menu"
        aria-expanded={isMenuOpen.value}
        aria-controls="side"
        onClick={(event) => {
          event.stopPropagation()
          isMenuOpen.value = !isMenuOpen.value
        }}
      >
        <Icon name="menu" />
      </button>
      <Finder />
      <div class="top-end">
        <Connection />
        <SessionButton />
      </div>
    </header>
  )
}

const pauseMs = 160

function Finder() {
  const { path, query, route } = useLocation()
  const input = useRef<HTMLInputElement>(null)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const isThere = path === '/declarations'
  const text = isThere ? (query.text ?? '') : ''

  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement
      const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.closest('dialog') !== null
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      input.current?.focus()
      input.current?.select()
    }
    document.addEventListener('keydown', hear)
    return () => document.removeEventListener('keydown', hear)
  }, [])

  useEffect(() => {
    // What the address says, such as after Back. What is being typed is newer.
    if (input.current !== null && document.activeElement !== input.current) input.current.value = text
  }, [text])

  function find(isReplacing: boolean) {
    clearTimeout(timer.current)
    const { page: _, ...others } = isThere ? query : {}
    route(`/declarations${queryOf({ ...others, text: input.current?.value.trim() })}`, isReplacing)
  }

  return (
    <search class="finder">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          find(isThere)
        }}
      >
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          aria-label="Find declarations"
          aria-keyshortcuts="/"
          placeholder="Find by name, ID, label, plugin …"
          defaultValue={text}
          autocomplete="off"
          spellcheck={false}
          onInput={() => {
            if (!isThere) return
            clearTimeout(timer.current)
            timer.current = setTimeout(() => find(true), pauseMs)
          }}
        />
        <kbd>/</kbd>
      </form>
    </search>
  )
}

function Connection() {
  const states = {
    connecting: ['Connecting', ''],
    live: ['Live', 'The page shows changes within a second.'],
    away: ['Operator away', 'What is shown is from before.'],
  } as const
  const [word, title] = states[connection.value]
  return (
    <span class={`link-state${connection.value === 'away' ? ' away' : ''}`} role="status" title={title}>
      {connection.value !== 'connecting' && <span class="dot" />}
      <span class={connection.value === 'live' ? 'long' : ''}>{word}</span>
    </span>
  )
}

/** Says that the operator is away. What is shown stays. */
export function Away() {
  if (connection.value !== 'away') return null
  return (
    <div class="banner tone-invalid" role="alert">
      <Icon name="cloud" />
      <p>
        <strong>The operator does not answer</strong> since {formatRelative(awaySinceMs.value, now.value)}.
        What you see is from before that. The page goes on by itself when the operator is back.
      </p>
    </div>
  )
}
