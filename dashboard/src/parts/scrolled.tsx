import type { ComponentChildren } from 'preact'

/** Text in columns that may be wider than the page. A part that scrolls must be reached by the keyboard. */
export function Scrolled(props: {
  readonly label: string
  readonly class?: string
  readonly children: ComponentChildren
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it the keyboard cannot scroll
    <section class={props.class ?? 'code'} tabIndex={0} aria-label={props.label}>
      <pre>{props.children}</pre>
    </section>
  )
}
