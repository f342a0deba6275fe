import { render } from 'preact'
import { LocationProvider } from 'preact-iso/router'
import { App } from './app.tsx'
import { followEvents, onChange } from './data/live.ts'
import { logIn, readSession } from './data/session.ts'
import './style/tokens.css'
import './style/base.css'
import './style/shell.css'
import './style/parts.css'
import './style/pages.css'

const page = document.getElementById('page')
if (page === null) throw new Error('index.html has no element with the ID page')

render(
  <LocationProvider>
    <App />
  </LocationProvider>,
  page,
)
addEventListener('hashchange', () => void logInByLink())
await logInByLink()
void readSession()
followEvents({ isThere: readSession })
onChange(({ topics }) => {
  if (topics === 'all') void readSession()
})

/** `mooring dashboard` prints an address that logs in once. Nobody shall find it in the browser's history. */
async function logInByLink(): Promise<void> {
  const code = /^#login=(.+)$/.exec(location.hash)?.[1]
  if (code === undefined) return
  history.replaceState(null, '', location.pathname + location.search)
  // A link that was used before keeps nobody from reading.
  await logIn(decodeURIComponent(code)).catch(() => {})
}
