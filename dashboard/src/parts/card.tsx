import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

/** A part of a page, with a heading that readers can jump to. */
export function Card(props: {
  readonly title: ComponentChildren
  readonly note?: ComponentChildren
  readonly children: ComponentChildren
  readonly id?: string
}) {
  const { title, note, children, id } = props
  const titleID = useId()
  return (
    <section class="card" aria-labelledby={titleID} id={id}>
      <header>
        <h2 id={titleID}>{title}</h2>
        {note !== undefined && <p>{note}</p>}
      </header>
      {children}
    </section>
  )
}
