// Run inside the opened page by check_page.py: what is there, as data.
(() => {
  const shown = (element) => element.getClientRects().length > 0;
  const within = (a, b, slack) => a.left >= b.left - slack && a.right <= b.right + slack && a.top >= b.top - slack &&
                                  a.bottom <= b.bottom + slack;
  const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
                            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
  const drawings = [...document.querySelectorAll('svg:not([aria-hidden])')].map((svg) => {
    const own = [...svg.children];
    const title = own.find((e) => e.tagName === 'title'), desc = own.find((e) => e.tagName === 'desc');
    const ids = (svg.getAttribute('aria-labelledby') || '').split(' ');
    const texts = !shown(svg) ? [] :
        [...svg.querySelectorAll('text')].map((e) => [e.textContent, e.getBoundingClientRect()]);
    const frame = svg.getBoundingClientRect();
    const crossing = [];
    for (let i = 0; i < texts.length; ++i)
      for (let j = 0; j < i; ++j)
        if (overlap(texts[i][1], texts[j][1])) crossing.push(texts[j][0] + ' | ' + texts[i][0]);
    return {
      role: svg.getAttribute('role'), title: title ? title.textContent : '', desc: desc ? desc.textContent : '',
      labelled: !!title && !!desc && ids[0] === title.id && ids[1] === desc.id, shown: shown(svg),
      cut: texts.filter(([, box]) => !within(box, frame, 1.5)).map(([text]) => text), crossing,
      small: !texts.length ? 99 : frame.width / svg.viewBox.baseVal.width *
          Math.min(...[...svg.querySelectorAll('text')].map((e) => parseFloat(getComputedStyle(e).fontSize))),
    };
  });
  const figures = [...document.querySelectorAll('[data-json]')].map(
      (e) => [e.getAttribute('data-json'), e.getAttribute('value') ?? e.getAttribute('data-value'), e.textContent]);
  const style = getComputedStyle(document.documentElement);
  return {
    embedded: document.getElementById('tessera-compare').textContent,
    figures, drawings,
    headings: [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((e) => [Number(e.tagName[1]), e.textContent]),
    landmarks: ['header', 'nav', 'main', 'footer'].filter((word) => document.querySelectorAll(word).length !== 1),
    tables: [...document.querySelectorAll('table')].filter((table) => !table.caption || !table.caption.textContent ||
        [...table.querySelectorAll('th')].some((th) => !['col', 'row'].includes(th.getAttribute('scope')))).length,
    bare: [...document.querySelectorAll('figure')].filter((figure) => !figure.querySelector('table')).length,
    elsewhere: [...document.querySelectorAll('[src],[href]')]
        .map((e) => e.getAttribute('src') ?? e.getAttribute('href'))
        .filter((address) => !address.startsWith('#') && !address.startsWith('data:')),
    scripts: document.querySelectorAll('script:not([type="application/json"])').length,
    width: [document.documentElement.scrollWidth, document.documentElement.clientWidth],
    colours: Object.fromEntries(['paper', 'panel', 'ink', 'soft', 'accent', 'good', 'bad'].map(
        (word) => [word, style.getPropertyValue('--' + word).trim()])),
  };
})()
