import { useState } from 'preact/hooks'
import { Icon } from './icon.tsx'

/** Copies a text, and says so. */
export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'failed'>()
  async function copy() {
    try {
      await navigator.clipboard.writeText(text)
      setOutcome('copied')
    } catch {
      // Browsers refuse it to pages that came over plain HTTP from another machine.
      setOutcome('failed')
    }
    setTimeout(() => setOutcome(undefined), 2500)
  }
  return (
    <button type="button" class="button small" onClick={copy}>
      <Icon name={outcome === 'copied' ? 'done' : 'copy'} />
      <span role="status">
        {outcome === 'copied' ? 'Copied' : outcome === 'failed' ? 'Select it by hand' : label}
      </span>
    </button>
  )
}

/** A command line to run on a terminal. */
export function Command({ line }: { readonly line: string }) {
  const [isCopied, setCopied] = useState(false)
  return (
    <span class="command">
      <code>{line}</code>
      <button
        type="button"
        class="button bare small square"
        aria-label={isCopied ? 'Copied' : `Copy the command ${line}`}
        onClick={() => {
          navigator.clipboard.writeText(line).then(
            () => setCopied(true),
            () => setCopied(false),
          )
          setTimeout(() => setCopied(false), 2500)
        }}
      >
        <Icon name={isCopied ? 'done' : 'copy'} />
      </button>
    </span>
  )
}

/** A text with commands between backticks: these can be copied. */
export function Remedy({ text }: { readonly text: string }) {
  const parts = text.split(/`([^`]+)`/)
  return (
    <>
      {parts.map((part, index) =>
        index % 2 === 1 ? (
          <Command key={part} line={part} />
        ) : part.trim() === '.' ? null : (
          <span>{part}</span>
        ),
      )}
    </>
  )
}
