import type { ComponentChildren } from 'preact'
import type { ObjectDetail } from '../../../src/wire/dashboard/object.ts'
import { formatSize } from '../data/format.ts'
import { Card } from '../parts/card.tsx'
import { ObjectLink } from '../parts/object-link.tsx'
import { Ago, Moment } from '../parts/time.tsx'

/** What there is in Nomad and in storage, a line for each fact that is known. */
export function Facts({ data }: { readonly data: ObjectDetail }) {
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
  const facts: [string, ComponentChildren][] = [
    ...(row.pluginID === '' ? [] : [['Plugin', row.pluginID] as [string, string]]),
    ...(row.externalID === ''
      ? []
      : [['External ID', <code key="id">{row.externalID}</code>] as [string, ComponentChildren]]),
  ]
  const add = (term: string, fact: ComponentChildren) => facts.push([term, fact])
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

export function Fact(props: { readonly term: string; readonly children: ComponentChildren }) {
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
