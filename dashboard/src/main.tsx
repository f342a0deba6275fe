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

// `npm start` prints an address that logs in once. Nobody shall find it in the history.
const code = /^#login=(.+)$/.exec(location.hash)?.[1]
if (code !== undefined) history.replaceState(null, '', location.pathname + location.search)

render(
  <LocationProvider>
    <App />
  </LocationProvider>,
  page,
)
// A link that was used before is no reason to keep anybody from reading.
if (code !== undefined) await logIn(decodeURIComponent(code)).catch(() => {})
void readSession()
followEvents()
onChange(({ topics }) => {
  if (topics === 'all') void readSession()
})
