import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

/** A window over the page. The browser keeps the focus within it, and Escape closes it. */
export function Dialog(props: {
  readonly title: string
  readonly onClose: () => void
  /** Nothing else can be done on the page: it cannot be closed. */
  readonly isNeeded?: boolean
  readonly children: ComponentChildren
}) {
  const { title, onClose, children, isNeeded = false } = props
  const element = useRef<HTMLDialogElement>(null)
  const titleID = useId()
  useEffect(() => {
    element.current?.showModal()
  }, [])
  return (
    <dialog
      ref={element}
      aria-labelledby={titleID}
      onClose={() => (isNeeded ? element.current?.showModal() : onClose())}
    >
      <div class="inside">
        <h2 id={titleID}>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}
