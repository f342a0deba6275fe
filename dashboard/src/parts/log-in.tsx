import { useState } from 'preact/hooks'
import { isLogInOpen, logIn, logOut, session } from '../data/session.ts'
import { Dialog } from './dialog.tsx'
import { Icon } from './icon.tsx'

/** Who looks, and the way to another role. */
export function SessionButton() {
  const current = session.value
  if (current === undefined) return null
  const { user, role, mayWrite, canLogIn, via } = current
  return (
    <>
      {via !== 'token' && via !== 'loopback' && <span class="second small">{user ?? role}</span>}
      {canLogIn && !mayWrite && (
        <button
          type="button"
          class="button small"
          onClick={() => {
            isLogInOpen.value = true
          }}
        >
          <Icon name="key" />
          Log in
        </button>
      )}
      {via === 'token' && (
        <button
          type="button"
          class="button small"
          title={`${user ?? ''}, ${role}`}
          onClick={() => void logOut()}
        >
          Log out
        </button>
      )}
    </>
  )
}

export function LogInDialog() {
  const [token, setToken] = useState('')
  const [failure, setFailure] = useState<string>()
  const [isSending, setSending] = useState(false)
  const isNeeded = session.value !== undefined && session.value.role === undefined && session.value.canLogIn
  if (!isLogInOpen.value && !isNeeded) return null
  const close = () => {
    isLogInOpen.value = false
    setFailure(undefined)
    setToken('')
  }

  async function send(event: Event) {
    event.preventDefault()
    setSending(true)
    try {
      await logIn(token.trim())
      close()
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    } finally {
      setSending(false)
    }
  }

  return (
    <Dialog title="Log in" onClose={close} isNeeded={isNeeded}>
      <form onSubmit={send}>
        <p class="second">
          On the operator's machine, <code>mooring dashboard</code> prints a link that logs you in. Elsewhere,
          ask whoever runs the operator for a token: it is on a line of the file that{' '}
          <code>--ui-token-file</code> names. Each order is recorded with the name of its token.
        </p>
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            autocomplete="current-password"
            required
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        {failure !== undefined && (
          <div class="banner tone-stalled" role="alert">
            <Icon name="stalled" />
            <p>{failure}</p>
          </div>
        )}
        <footer>
          {!isNeeded && (
            <button type="button" class="button" onClick={close}>
              Cancel
            </button>
          )}
          <button type="submit" class="button main-action" disabled={isSending || token.trim() === ''}>
            Log in
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
