import type { ClusterHealth, PluginHealth, SourceSummary } from '../../../src/wire/dashboard/overview.ts'
import { count } from '../data/format.ts'
import { Card } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { Ago } from '../parts/time.tsx'

/** Whether a reading of a source can be relied on. */
export function SourceState({ source }: { readonly source: SourceSummary }) {
  const { isComplete, problems } = source
  if (isComplete === undefined) {
    return (
      <span class="state tone-working">
        <Icon name="working" />
        not read yet
      </span>
    )
  }
  if (!isComplete || problems > 0) {
    return (
      <span class="state tone-invalid">
        <Icon name="invalid" />
        {isComplete ? count(problems, 'problem') : 'incomplete'}
      </span>
    )
  }
  return (
    <span class="state tone-ready">
      <Icon name="ready" />
      complete
    </span>
  )
}

export function SourceList({ sources }: { readonly sources: readonly SourceSummary[] }) {
  return (
    <Card title="Sources">
      <ul class="rows">
        {sources.map((source) => (
          <li key={`${source.name}@${source.cluster}`}>
            <div class="line">
              <a class="name" href="/sources">
                {source.name}
              </a>
              <span class="end">
                <SourceState source={source} />
              </span>
            </div>
            <p class="quiet small">
              {count(source.declarations, 'declaration')}
              {source.commit !== undefined && (
                <>
                  {' '}
                  at <code title={source.commit}>{source.commit.slice(0, 10)}</code>
                </>
              )}
              , last complete <Ago at={source.lastComplete} />
            </p>
          </li>
        ))}
      </ul>
    </Card>
  )
}

export function Clusters({ clusters }: { readonly clusters: readonly ClusterHealth[] }) {
  return (
    <Card title={clusters.length > 1 ? 'Nomad clusters' : 'Nomad'}>
      <ul class="rows">
        {clusters.map(({ name, address, region, isReachable, message }) => (
          <li key={name ?? ''}>
            <div class="line">
              <span class="name">{name ?? address}</span>
              <span class="end">
                <span class={`state tone-${isReachable ? 'ready' : 'stalled'}`}>
                  <Icon name={isReachable ? 'ready' : 'stalled'} />
                  {isReachable ? 'answers' : 'away'}
                </span>
              </span>
            </div>
            {(name !== undefined || region !== undefined) && (
              <p class="quiet small">
                {name !== undefined && address}
                {region !== undefined && ` region ${region}`}
              </p>
            )}
            {message !== undefined && <p class="second small">{message}</p>}
          </li>
        ))}
      </ul>
    </Card>
  )
}

export function Plugins({ plugins }: { readonly plugins: readonly PluginHealth[] }) {
  return (
    <Card title="Plugins">
      {plugins.length === 0 ? (
        <p class="none">No plugin is known.</p>
      ) : (
        <ul class="rows">
          {plugins.map((plugin) => (
            <li key={`${plugin.id}@${plugin.cluster}`}>
              <div class="line">
                <a class="name" href={`/declarations?plugin=${encodeURIComponent(plugin.id)}`}>
                  {plugin.id}
                </a>
                {plugin.cluster !== undefined && <span class="quiet small">in {plugin.cluster}</span>}
                <span class="end">
                  <span class={`state tone-${plugin.isHealthy ? 'ready' : 'stalled'}`}>
                    <Icon name={plugin.isHealthy ? 'ready' : 'stalled'} />
                    {plugin.isHealthy ? 'healthy' : 'not healthy'}
                  </span>
                </span>
              </div>
              <p class="quiet small">
                {[
                  plugin.provider === undefined
                    ? undefined
                    : `${plugin.provider} ${plugin.version ?? ''}`.trim(),
                  plugin.controllersExpected === 0
                    ? undefined
                    : `controllers ${plugin.controllersHealthy}/${plugin.controllersExpected}`,
                  plugin.nodesExpected === 0
                    ? undefined
                    : `nodes ${plugin.nodesHealthy}/${plugin.nodesExpected}`,
                  count(plugin.volumes, 'volume'),
                ]
                  .filter((part) => part !== undefined)
                  .join(' · ')}
              </p>
              {plugin.message !== undefined && <p class="second small">{plugin.message}</p>}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
