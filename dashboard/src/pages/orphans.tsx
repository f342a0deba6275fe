import type { OrphanReport, OrphanRow } from '../../../src/wire/dashboard/sources.ts'
import { count, formatSize } from '../data/format.ts'
import { useData } from '../data/use-data.ts'
import { Card } from '../parts/card.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { Icon } from '../parts/icon.tsx'
import { Await, useTitle } from '../parts/page-state.tsx'
import { Scrolled } from '../parts/scrolled.tsx'
import { Ago } from '../parts/time.tsx'

const places = [
  ['undeclared', 'Still managed', 'No source declares it, and Mooring has not ended it.'],
  ['nomad', 'In Nomad', 'Nomad knows it, and no declaration does.'],
  ['storage', 'In storage', 'A plugin lists it, and neither Nomad nor a declaration knows it.'],
] as const

/** What nothing declares. Mooring deletes none of it. */
export function OrphansPage() {
  useTitle('Orphans')
  const shown = useData<OrphanReport>('/api/orphans', ['objects'])
  return <Await shown={shown}>{(data) => <Contents data={data} />}</Await>
}

function Contents({ data }: { readonly data: OrphanReport }) {
  const { rows, unknown, time } = data
  return (
    <>
      <div class="head">
        <div>
          <h1>{rows.length === 0 ? 'Everything is declared.' : `${count(rows.length, 'orphan')}`}</h1>
          <p class="lead">
            What no declaration names. Mooring never deletes an orphan. To keep one under Mooring, add its
            declaration to a source. Looked at <Ago at={time} />.
          </p>
        </div>
      </div>
      {unknown.length > 0 && (
        <div class="banner tone-invalid">
          <Icon name="invalid" />
          <div>
            <p>
              <strong>The list may not be whole.</strong> This could not be read:
            </p>
            <ul class="dashes">
              {unknown.map((each) => (
                <li key={each}>{each}</li>
              ))}
            </ul>
          </div>
        </div>
      )}
      {places.map(([where, title, note]) => {
        const found = rows.filter((row) => row.where === where)
        if (found.length === 0) return null
        return (
          <Card key={where} title={`${title} (${found.length})`} note={note}>
            <ul class="rows">
              {found.map((row) => (
                <Orphan key={`${row.pluginID}${row.externalID}${row.name}${row.kind}`} row={row} />
              ))}
            </ul>
          </Card>
        )
      })}
    </>
  )
}

function Orphan({ row }: { readonly row: OrphanRow }) {
  const { kind, name, namespace, externalID, pluginID, sizeBytes, released, message, adopt, cluster } = row
  return (
    <li>
      <div class="line">
        <span class="name">{name ?? externalID}</span>
        <span class="quiet small">
          {kind.toLowerCase()}
          {namespace !== undefined && namespace !== 'default' && ` in ${namespace}`}
          {cluster !== undefined && ` · ${cluster}`}
        </span>
        <span class="end quiet small">
          {pluginID}
          {sizeBytes !== undefined && sizeBytes > 0 && ` · ${formatSize(sizeBytes)}`}
          {name !== undefined && externalID !== '' && (
            <>
              {' '}
              · <code>{externalID}</code>
            </>
          )}
        </span>
      </div>
      <p class="second small">
        {message}
        {released !== undefined && (
          <>
            {' '}
            Mooring managed it as <code>{released.key}</code> until <Ago at={released.time} /> (
            {released.reason}).
          </>
        )}
      </p>
      {adopt !== undefined && (
        <details>
          <summary>The declaration that adopts it</summary>
          <div class="adopt">
            <CopyButton text={adopt} label="Copy YAML" />
            <Scrolled label={`Declaration of ${name ?? externalID}`}>{adopt}</Scrolled>
          </div>
        </details>
      )}
    </li>
  )
}
