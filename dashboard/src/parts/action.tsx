import { Fragment } from 'preact'
import { useState } from 'preact/hooks'
import type { Action, ObjectReference } from '../../../src/wire/dashboard/common.ts'
import type { OrderAnswer } from '../../../src/wire/dashboard/session.ts'
import { queryOf } from '../data/format.ts'
import { announce, connection } from '../data/live.ts'
import { post } from '../data/request.ts'
import { isLogInOpen, session } from '../data/session.ts'
import { Command } from './copy.tsx'
import { Dialog } from './dialog.tsx'
import { Icon, type IconName } from './icon.tsx'
import { Ago } from './time.tsx'
import { say } from './toast.tsx'

const icons: Readonly<Record<string, IconName>> = {
  takeSnapshots: 'snapshot',
  restore: 'restore',
  restoreBack: 'restore',
  suspend: 'held',
  keepSnapshot: 'pin',
}

/** Why this action cannot be taken now by this person; undefined: it can. */
export function refusalOf(action: Action): string | undefined {
  if (action.refusal !== undefined) return action.refusal
  if (connection.value === 'away') return 'The operator does not answer. It can be ordered when it is back.'
  if (session.value?.mayWrite === false) return session.value.refusal ?? 'This session may only read.'
  return undefined
}

/** What else a person should know before they confirm an action: terms and what is so. */
export type ActionNotes = (action: Action) => readonly (readonly [string, string])[]

/** Opens the question of an action. What cannot be done now stays there, and says why. */
export function ActionButton(props: {
  readonly action: Action
  readonly object: ObjectReference | undefined
  readonly isMain?: boolean
  readonly isSmall?: boolean
  readonly notes?: ActionNotes
}) {
  const { action, object, isMain, isSmall, notes } = props
  const [isOpen, setOpen] = useState(false)
  const refusal = refusalOf(action)
  const isDangerous = action.typeToConfirm !== undefined
  const icon = icons[String(action.order.type)]
  return (
    <>
      <button
        type="button"
        class={`button${isMain ? ' main-action' : ''}${isDangerous ? ' danger' : ''}${isSmall ? ' small' : ''}`}
        aria-disabled={refusal !== undefined}
        title={refusal}
        onClick={() => setOpen(true)}
      >
        {icon !== undefined && <Icon name={icon} />}
        {action.label}
        {object !== undefined && <span class="for-readers"> of {object.name}</span>}
        {refusal !== undefined && <span class="for-readers">, not possible now: {refusal}</span>}
      </button>
      {isOpen && (
        <Question
          action={action}
          object={object}
          notes={notes?.(action) ?? []}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  )
}

function Question(props: {
  readonly action: Action
  readonly object: ObjectReference | undefined
  readonly notes: ReturnType<ActionNotes>
  readonly onClose: () => void
}) {
  const { action, object, notes, onClose } = props
  const { label, consequence, typeToConfirm, choices = [], order, command } = action
  const [typed, setTyped] = useState('')
  const [chosen, setChosen] = useState<Readonly<Record<string, string>>>(() => firstChoices(action))
  const [failure, setFailure] = useState<string>()
  const [isSending, setSending] = useState(false)
  const refusal = refusalOf(action)
  const isWhole = choices.every(({ field }) => chosen[field] !== undefined)
  const isReady = refusal === undefined && isWhole && (typeToConfirm === undefined || typed === typeToConfirm)
  const tone = typeToConfirm === undefined ? 'working' : 'stalled'

  async function send(event: Event) {
    event.preventDefault()
    if (!isReady || isSending) return
    setSending(true)
    try {
      const path = `/api/orders${queryOf({ cluster: object?.cluster })}`
      const { message } = await post<OrderAnswer>(path, { ...order, ...chosen })
      onClose()
      say(message)
      announce({ topics: 'all' })
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
      setSending(false)
    }
  }

  return (
    <Dialog title={object === undefined ? label : `${label}: ${object.name}`} onClose={onClose}>
      <form class="question" onSubmit={send}>
        <p class={`consequence tone-${tone}`}>{consequence}</p>
        {notes.length > 0 && (
          <dl class="facts">
            {notes.map(([term, note]) => (
              <Fragment key={term}>
                <dt>{term}</dt>
                <dd>{note}</dd>
              </Fragment>
            ))}
          </dl>
        )}
        {choices.map(({ field, label: title, options }) => (
          <fieldset key={field} class="field">
            <legend>{title}</legend>
            {options.length === 0 && <p class="quiet">There is nothing to choose from.</p>}
            <div class="choices">
              {options.map(({ value, label: name, detail, time, refusal: whyNot }) => (
                <label key={value}>
                  <input
                    type="radio"
                    name={field}
                    value={value}
                    checked={chosen[field] === value}
                    disabled={whyNot !== undefined}
                    onChange={() => setChosen({ ...chosen, [field]: value })}
                  />
                  <span>
                    <span class="line">
                      <span class="name">{name}</span>
                      {time !== undefined && (
                        <span class="second small">
                          <Ago at={time} />
                        </span>
                      )}
                    </span>
                    {(whyNot ?? detail) !== undefined && <span class="second small">{whyNot ?? detail}</span>}
                  </span>
                </label>
              ))}
            </div>
          </fieldset>
        ))}
        {typeToConfirm !== undefined && refusal === undefined && (
          <label class="field">
            <span>
              Type <code>{typeToConfirm}</code> to confirm
            </span>
            <input
              value={typed}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        )}
        {refusal !== undefined && (
          <div class="banner tone-invalid">
            <Icon name="invalid" />
            <p>
              <strong>Not possible now.</strong> {refusal}
            </p>
          </div>
        )}
        {failure !== undefined && (
          <div class="banner tone-stalled" role="alert">
            <Icon name="stalled" />
            <p>{failure}</p>
          </div>
        )}
        <details class="on-terminal">
          <summary>The same on a terminal</summary>
          <Command line={command} />
        </details>
        <footer>
          <button type="button" class="button" onClick={onClose}>
            {refusal === undefined ? 'Cancel' : 'Close'}
          </button>
          {action.refusal === undefined && session.value?.mayWrite === false && session.value.canLogIn && (
            <button
              type="button"
              class="button main-action"
              onClick={() => {
                onClose()
                isLogInOpen.value = true
              }}
            >
              <Icon name="key" />
              Log in
            </button>
          )}
          {refusal === undefined && (
            <button
              type="submit"
              class={`button main-action${typeToConfirm === undefined ? '' : ' danger'}`}
              disabled={!isReady || isSending}
            >
              {label}
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  )
}

/** What there is one of needs no choice. */
function firstChoices({ choices = [] }: Action): Record<string, string> {
  return Object.fromEntries(
    choices.flatMap(({ field, options }) => {
      const possible = options.filter(({ refusal }) => refusal === undefined)
      const [only] = possible
      return only !== undefined && possible.length === 1 ? [[field, only.value]] : []
    }),
  )
}

/** The possible ones first, the dangerous ones last. */
export function ActionBar(props: {
  readonly actions: readonly Action[]
  readonly object: ObjectReference | undefined
  readonly isSmall?: boolean
  readonly mainID?: string
  readonly notes?: ActionNotes
}) {
  const { actions, object, isSmall = false, mainID, notes } = props
  if (actions.length === 0) return null
  const rank = ({ id, refusal, typeToConfirm }: Action) =>
    (id === mainID ? -4 : 0) + (refusal === undefined ? 0 : 2) + (typeToConfirm === undefined ? 0 : 1)
  return (
    <div class="toolbar">
      {[...actions]
        .sort((one, other) => rank(one) - rank(other))
        .map((action) => (
          <ActionButton
            key={action.id}
            action={action}
            object={object}
            isSmall={isSmall}
            isMain={action.id === mainID && refusalOf(action) === undefined}
            {...(notes === undefined ? {} : { notes })}
          />
        ))}
    </div>
  )
}
