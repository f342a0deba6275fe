import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useLocation } from 'preact-iso/router'
import type { Overview } from '../../../src/wire/dashboard/overview.ts'
import { useData } from '../data/use-data.ts'
import { Icon, type IconName } from './icon.tsx'
import { SchemeButton } from './scheme.tsx'

/** On narrow screens the menu lies over the page. */
export const isMenuOpen = signal(false)

export function Side() {
  const { path } = useLocation()
  const { data } = useData<Overview>('/api/overview', ['objects', 'sources', 'activity', 'plugins'])
  useEffect(() => {
    isMenuOpen.value = false
  }, [path])
  useEffect(() => {
    const hear = (event: MouseEvent) => {
      if (!(event.target as Element).closest('#side')) isMenuOpen.value = false
    }
    document.addEventListener('click', hear)
    return () => document.removeEventListener('click', hear)
  }, [])
  const problems = data?.sources.reduce((sum, each) => sum + each.problems, 0) ?? 0
  return (
    <aside
      class={`side${isMenuOpen.value ? ' open' : ''}`}
      id="side"
      onKeyDown={(event) => {
        if (event.key === 'Escape') isMenuOpen.value = false
      }}
    >
      <a class="brand" href="/">
        <Mark />
        Mooring
      </a>
      <nav class="nav" aria-label="Pages">
        <ul>
          <Item
            to="/"
            icon="overview"
            name="Overview"
            count={data?.needsPersonTotal || undefined}
            tone="alert"
            means="need you"
          />
          <Item
            to="/declarations"
            icon="list"
            name="Declarations"
            count={data?.counts.total}
            means="in all"
          />
        </ul>
        <h2>Data</h2>
        <ul>
          <Item to="/recoverability" icon="shield" name="Recoverability" />
          <Item to="/schedules" icon="calendar" name="Schedules" />
          <Item to="/orphans" icon="orphan" name="Orphans" />
        </ul>
        <h2>Changes</h2>
        <ul>
          <Item
            to="/sources"
            icon="branch"
            name="Sources"
            count={problems || undefined}
            tone="warn"
            means="problems"
          />
          <Item to="/plan" icon="plan" name="Plan" />
          <Item to="/activity" icon="activity" name="Activity" />
        </ul>
      </nav>
      <div class="side-foot">
        {data?.operator.readOnly && <span class="badge tone-held">Operator is read-only</span>}
        {data?.operator.replica !== undefined && (
          <span>
            Replica {data.operator.replica.identity}, {data.operator.replica.leads ? 'leads' : 'stands by'}
          </span>
        )}
        <div class="line centre">
          <span>{data === undefined ? '' : `Mooring ${data.operator.version}`}</span>
          <span class="end">
            <SchemeButton />
          </span>
        </div>
      </div>
    </aside>
  )
}

function Item(props: {
  readonly to: string
  readonly icon: IconName
  readonly name: string
  readonly count?: number | undefined
  readonly tone?: 'alert' | 'warn'
  readonly means?: string
}) {
  const { to, icon, name, count, tone, means } = props
  const { path } = useLocation()
  const isHere = path === to || (to === '/declarations' && path.startsWith('/objects/'))
  return (
    <li>
      <a href={to} aria-current={isHere ? 'page' : undefined}>
        <Icon name={icon} />
        {name}
        {count !== undefined && (
          <span class={`count ${tone ?? ''}`}>
            {count.toLocaleString('en')}
            <span class="for-readers"> {means}</span>
          </span>
        )}
      </a>
    </li>
  )
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="#0b5563" />
      <path
        d="M16 10.9v14M10.5 15.5h11M6.5 18.5c.4 4.2 4.2 6.5 9.5 6.5s9.1-2.3 9.5-6.5M16 10.9a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4z"
        fill="none"
        stroke="#fff"
        stroke-width="2.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  )
}
