import { useLocation, useRoute } from 'preact-iso/router'
import type { Action } from '../../../src/wire/dashboard/common.ts'
import type { ObjectDetail } from '../../../src/wire/dashboard/object.ts'
import { count, formatSize, kindInWords, queryOf } from '../data/format.ts'
import { useData } from '../data/use-data.ts'
import { ActionBar } from '../parts/action.tsx'
import { ActivityList } from '../parts/activity-list.tsx'
import { Card } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { Meaning } from '../parts/meaning.tsx'
import { ObjectLink } from '../parts/object-link.tsx'
import { Await, useTitle } from '../parts/page-state.tsx'
import { Prose } from '../parts/prose.tsx'
import { lookOf, State, StateBadge } from '../parts/state.tsx'
import { Ago } from '../parts/time.tsx'
import { Declared } from './object-declared.tsx'
import { Facts } from './object-facts.tsx'
import { Fields } from './object-fields.tsx'
import { ScheduleCard } from './schedule-card.tsx'
import { SnapshotsCard } from './snapshots-card.tsx'

/** One volume, snapshot or schedule with all that is known of it. */
export function ObjectPage() {
  const { params } = useRoute()
  const { query } = useLocation()
  const { kind = '', namespace = '', name = '' } = params
  const { cluster } = query
  useTitle(`${name}, ${kindInWords(kind)}`)
  const key = `${kind}/${namespace}/${name}`
  const reference = cluster === undefined ? key : `${key}@${cluster}`
  const shown = useData<ObjectDetail>(
    `/api/object${queryOf({ key, cluster })}`,
    ['objects', 'activity'],
    (keys) =>
      // Instances and snapshots of the volume are on its page too.
      keys.some((each) => each === reference || each.startsWith(`${key}[`) || each.startsWith('Snapshot')),
  )
  // The page of another declaration is no answer for this one.
  const own = shown.isCurrent ? shown : { ...shown, data: undefined }
  if (own.failure?.status === 404) {
    return (
      <div class="head">
        <div>
          <h1>
            {kindInWords(kind)} {name} is not here
          </h1>
          <p class="lead">
            Nothing declares it, and Mooring does not manage it. It may be among the{' '}
            <a href="/orphans">orphans</a>.
          </p>
        </div>
      </div>
    )
  }
  return <Await shown={own}>{(data) => <Contents data={data} />}</Await>
}

/** The actions that most people come for. */
const mainActions: Readonly<Record<string, string>> = {
  Volume: 'takeSnapshots',
  SnapshotSchedule: 'takeSnapshots',
}

function Contents({ data }: { readonly data: ObjectDetail }) {
  const { row, sentence, explanation, actions, instances, schedule, snapshots, history, fields } = data
  const { object, state, reason, since } = row
  const { kind, namespace, cluster, name } = object
  const where = [namespace === 'default' ? undefined : namespace, cluster].filter(
    (each) => each !== undefined,
  )
  const isWell = state === 'Ready'
  return (
    <>
      <div class="head">
        <div>
          <p class="crumbs">
            <a href="/declarations">Declarations</a> / {kindInWords(kind)}
            {where.length > 0 && ` in ${where.join(', ')}`}
          </p>
          <h1 class="object-name">{name}</h1>
          <p class="line centre">
            <StateBadge state={state} />
            <span class="second">
              {reason}
              {since !== undefined && (
                <>
                  , <Ago at={since} />
                </>
              )}
            </span>
            {row.isSuspended && reason !== 'Suspended' && <span class="badge tone-held">suspended</span>}
          </p>
        </div>
        <ActionBar
          actions={actions}
          object={object}
          notes={(action) => notesOf(action, data)}
          {...mainOf(kind)}
        />
      </div>
      <section class={`condition tone-${lookOf(state).tone}`} aria-label="Condition">
        <p class="sentence">
          <Prose text={sentence} />
        </p>
        {explanation !== undefined && !isWell && <Meaning explanation={explanation} />}
      </section>
      {kind === 'Volume' && (snapshots.length > 0 || instances.length === 0) && (
        <SnapshotsCard snapshots={snapshots} />
      )}
      {schedule !== undefined && <ScheduleCard schedule={schedule} isAlone />}
      <div class="columns">
        <div class="stack">
          {instances.length > 0 && <Instances data={data} />}
          {fields.length > 0 && <Fields fields={fields} unread={data.unread} />}
          <Card title="History" note="steps and orders, newest first">
            <ActivityList entries={history} isObjectShown={false} />
          </Card>
        </div>
        <div class="stack">
          <Facts data={data} />
          <Declared data={data} />
        </div>
      </div>
    </>
  )
}

function mainOf(kind: string): { mainID?: string } {
  const mainID = mainActions[kind]
  return mainID === undefined ? {} : { mainID }
}

function Instances({ data }: { readonly data: ObjectDetail }) {
  const { instances } = data
  const ready = instances.filter(({ state }) => state === 'Ready').length
  return (
    <Card title="Instances" note={`${count(instances.length, 'volume')}, ${ready} ready`}>
      <ul class="rows">
        {instances.map((each) => (
          <li key={each.object.key}>
            <div class="line">
              <State state={each.state} />
              <ObjectLink object={each.object} />
              <span class="end quiet small">
                {formatSize(each.sizeBytes)} <code>{each.externalID}</code>
              </span>
            </div>
            {each.state !== 'Ready' && (
              <p class="second small">
                <Icon name="right" /> {each.message}
              </p>
            )}
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** What a restore replaces, what is in use, and what stays. */
function notesOf({ id }: Action, { row, claims, snapshots, replaced }: ObjectDetail): [string, string][] {
  if (id !== 'restore' && id !== 'restoreBack') return []
  const size = formatSize(row.sizeBytes)
  return [
    ['Is replaced', `external volume ${row.externalID}${size === '' ? '' : `, ${size}`}`],
    [
      'In use',
      claims.length === 0 ? 'no: nothing claims the volume' : `yes: ${count(claims.length, 'allocation')}`,
    ],
    [
      'Stays',
      [
        row.externalID,
        count(snapshots.length, 'snapshot'),
        ...(replaced.length === 0 ? [] : [`${count(replaced.length, 'volume')} of earlier restores`]),
      ].join(', '),
    ],
  ]
}
