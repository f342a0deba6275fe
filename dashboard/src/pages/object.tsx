import { useLocation, useRoute } from 'preact-iso/router'
import type { ObjectDetail } from '../../../src/wire/dashboard/object.ts'
import { count, formatSize, kindInWords, queryOf } from '../data/format.ts'
import { useData } from '../data/use-data.ts'
import { ActionBar } from '../parts/action.tsx'
import { ActivityList } from '../parts/activity-list.tsx'
import { Card } from '../parts/card.tsx'
import { CopyButton, Remedy } from '../parts/copy.tsx'
import { Icon } from '../parts/icon.tsx'
import { ObjectLink } from '../parts/object-link.tsx'
import { Await, useTitle } from '../parts/page-state.tsx'
import { Scrolled } from '../parts/scrolled.tsx'
import { lookOf, State, StateBadge } from '../parts/state.tsx'
import { Ago, Moment } from '../parts/time.tsx'
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
      // Snapshots of the volume are on its page too.
      keys.some((each) => each === reference || each.startsWith('Snapshot')),
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
        <ActionBar actions={actions} object={object} {...mainOf(kind)} />
      </div>
      <section class={`condition tone-${lookOf(state).tone}`} aria-label="Condition">
        <p class="sentence">{sentence}</p>
        {explanation !== undefined && !isWell && (
          <div class="meaning">
            <p>
              {explanation.happened} {explanation.data} {explanation.mooring}
            </p>
            {explanation.remedies.map((remedy) => (
              <div class="remedy" key={remedy}>
                <Remedy text={remedy} />
              </div>
            ))}
          </div>
        )}
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

function Facts({ data }: { readonly data: ObjectDetail }) {
  const {
    row,
    claims,
    nodes,
    csiName,
    incarnation,
    lastRestore,
    replaced,
    restoring,
    unsettledSince,
    whole,
  } = data
  const otherNodes = nodes.filter((node) => !claims.some((claim) => claim.node === node))
  const facts: [string, preact.ComponentChildren][] = [
    ...(row.pluginID === '' ? [] : [['Plugin', row.pluginID] as [string, string]]),
    ...(row.externalID === ''
      ? []
      : [['External ID', <code key="id">{row.externalID}</code>] as [string, preact.VNode]]),
  ]
  const add = (term: string, fact: preact.ComponentChildren) => facts.push([term, fact])
  if (row.sizeBytes !== undefined) add('Size', formatSize(row.sizeBytes))
  if (csiName !== undefined) add('Name for the plugin', <code>{csiName}</code>)
  if (incarnation > 0) add('Incarnation', String(incarnation))
  if (row.volume !== undefined) add('Volume', <KeyLink objectKey={row.volume} cluster={row.object.cluster} />)
  if (row.schedule !== undefined)
    add('Schedule', <KeyLink objectKey={row.schedule} cluster={row.object.cluster} />)
  if (row.createTime !== undefined) add('Taken', <Moment at={row.createTime} />)
  if (whole !== undefined) add('Instance of', <ObjectLink object={whole} />)
  if (row.object.kind === 'Volume' && data.instances.length === 0) {
    add(
      'Claims',
      claims.length === 0 ? (
        <span class="quiet">none: nothing uses it</span>
      ) : (
        <ul class="plain">
          {claims.map(({ allocation, node }) => (
            <li key={allocation}>
              allocation <code title={allocation}>{allocation.slice(0, 8)}</code>
              {node !== undefined && (
                <>
                  {' '}
                  on node <code title={node}>{node.slice(0, 8)}</code>
                </>
              )}
            </li>
          ))}
        </ul>
      ),
    )
  }
  if (otherNodes.length > 0) {
    add(
      'Published to',
      <ul class="plain">
        {otherNodes.map((node) => (
          <li key={node}>
            node <code title={node}>{node.slice(0, 8)}</code>, without a claim
          </li>
        ))}
      </ul>,
    )
  }
  if (unsettledSince !== undefined) {
    add(
      'Open call',
      <>
        sent <Ago at={unsettledSince} />, and its answer is not known
      </>,
    )
  }
  if (restoring !== undefined) {
    add(
      'Restoring',
      <>
        from <code>{restoring.from}</code>
        {restoring.calledOff !== undefined && `; called off: ${restoring.calledOff}`}
      </>,
    )
  }
  if (lastRestore !== undefined) {
    add(
      'Last restore',
      <>
        {lastRestore.outcome}, <Ago at={lastRestore.time} />, from <code>{lastRestore.from}</code>
        <br />
        <span class="quiet">{lastRestore.message}</span>
      </>,
    )
  }
  if (replaced.length > 0) {
    add(
      'Replaced, still there',
      <ul class="plain">
        {replaced.map(({ externalID, since }) => (
          <li key={externalID}>
            <code>{externalID}</code>, <Ago at={since} />
          </li>
        ))}
      </ul>,
    )
  }
  if (row.missingSince !== undefined) {
    add(
      'Not declared',
      <>
        since <Ago at={row.missingSince} />
      </>,
    )
  }
  if (facts.length === 0) return null
  return (
    <Card title="What there is">
      <div class="body">
        <dl class="facts">
          {facts.map(([term, fact]) => (
            <Fact key={term} term={term}>
              {fact}
            </Fact>
          ))}
        </dl>
      </div>
    </Card>
  )
}

function Fact(props: { readonly term: string; readonly children: preact.ComponentChildren }) {
  return (
    <>
      <dt>{props.term}</dt>
      <dd>{props.children}</dd>
    </>
  )
}

function KeyLink(props: { readonly objectKey: string; readonly cluster: string | undefined }) {
  const { objectKey, cluster } = props
  const [kind = '', namespace = '', ...rest] = objectKey.split('/')
  const object = { key: objectKey, kind: kind as 'Volume', namespace, name: rest.join('/') } // A key begins with its kind.
  return <ObjectLink object={cluster === undefined ? object : { ...object, cluster }} />
}

function Declared({ data }: { readonly data: ObjectDetail }) {
  const { declared, row } = data
  const { source, file, line, column, commit, yaml } = declared
  return (
    <Card title="Declaration" note={yaml === '' ? undefined : <CopyButton text={yaml} label="Copy YAML" />}>
      <div class="body">
        {line === 0 && file === '' && source === '' ? (
          <p class="quiet">{row.place === '' ? 'No source declares it.' : row.place}</p>
        ) : (
          <dl class="facts">
            <Fact term="Source">{source}</Fact>
            {file !== '' && (
              <Fact term="Place">
                <code>
                  {file}:{line}:{column}
                </code>
              </Fact>
            )}
            {commit !== undefined && (
              <Fact term="Commit">
                <code title={commit}>{commit.slice(0, 12)}</code>
              </Fact>
            )}
          </dl>
        )}
      </div>
      {yaml !== '' && <Scrolled label="The declaration as YAML">{yaml}</Scrolled>}
    </Card>
  )
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
