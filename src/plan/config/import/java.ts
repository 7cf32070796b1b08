/** The command that keys like `java.jar` and `jvm.heap.max` stand for. */
export function javaCommand(values: ReadonlyMap<string, string>): string | undefined {
  const get = (key: string): string | undefined => values.get(`java.${key}`) ?? values.get(`jvm.${key}`)
  const jar = get('jar')
  const main = get('main')
  if (jar === undefined && main === undefined) return undefined
  const home = get('home')
  const option = (flag: string, value: string | undefined): string[] => (value === undefined ? [] : [`${flag}${value}`])
  return [
    get('java') ?? (home === undefined ? 'java' : `${home}/bin/java`),
    ...option('-Xmx', get('heap.max')),
    ...option('-Xms', get('heap.min')),
    ...option('-cp ', get('classpath')),
    ...option('', get('properties')),
    ...option('', get('options')),
    ...option('', main),
    ...option('-jar ', jar),
    ...option('', get('arguments')),
  ].join(' ')
}
