import { useEffect, useRef } from 'preact/hooks'
import { Route, Router, useLocation } from 'preact-iso/router'
import { ActivityPage } from './pages/activity.tsx'
import { DeclarationsPage } from './pages/declarations.tsx'
import { NotFoundPage } from './pages/not-found.tsx'
import { ObjectPage } from './pages/object.tsx'
import { OrphansPage } from './pages/orphans.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { PlanPage } from './pages/plan.tsx'
import { RecoverabilityPage } from './pages/recoverability.tsx'
import { SchedulesPage } from './pages/schedules.tsx'
import { SourcesPage } from './pages/sources.tsx'
import { LogInDialog } from './parts/log-in.tsx'
import { Side } from './parts/side.tsx'
import { Toast } from './parts/toast.tsx'
import { Away, Top } from './parts/top.tsx'

export function App() {
  const { path } = useLocation()
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  useEffect(() => {
    // Readers begin with the new page, as after a page of a server.
    if (!isFirst.current) main.current?.focus({ preventScroll: true })
    isFirst.current = false
  }, [path])
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <div class="shell">
        <Side />
        <div class="column">
          <Top />
          <main class="main" id="main" ref={main} tabIndex={-1}>
            <Away />
            <Router>
              <Route path="/" component={OverviewPage} />
              <Route path="/declarations" component={DeclarationsPage} />
              <Route path="/objects/:kind/:namespace/:name" component={ObjectPage} />
              <Route path="/recoverability" component={RecoverabilityPage} />
              <Route path="/schedules" component={SchedulesPage} />
              <Route path="/sources" component={SourcesPage} />
              <Route path="/plan" component={PlanPage} />
              <Route path="/orphans" component={OrphansPage} />
              <Route path="/activity" component={ActivityPage} />
              <Route default component={NotFoundPage} />
            </Router>
          </main>
        </div>
      </div>
      <LogInDialog />
      <Toast />
    </>
  )
}
