// Draw bar charts from the tables in the page.
"use strict";

const Charts = (() => {
  const drawn = new Map();
  // Colours of tokens.css, by the name of a chart. Other charts count backups of any status.
  const COLOURS = { success: "--vex-success", warning: "--vex-warning", error: "--vex-error" };
  const ANY_STATUS = "--vex-running";

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function rows(figure) {
    return [...figure.querySelectorAll("tbody tr")];
  }

  function paint(chart, name) {
    chart.data.datasets[0].backgroundColor = colour(COLOURS[name] ?? ANY_STATUS);
    for (const axis of Object.values(chart.options.scales)) {
      axis.ticks.color = colour("--bs-secondary-color");
      axis.grid.color = colour("--bs-border-color");
      axis.border.color = colour("--bs-border-color");
    }
  }

  // Zero becomes null, which has no bar: minBarLength would draw one for 0.
  function fill(chart, figure) {
    chart.data.labels = rows(figure).map((row) => row.cells[0].textContent);
    chart.data.datasets[0].data = rows(figure).map((row) => Number(row.cells[1].textContent) || null);
  }

  function make(figure) {
    const canvas = figure.querySelector("canvas");
    const font = { family: getComputedStyle(document.body).fontFamily, size: 11 };
    const chart = new Chart(canvas, {
      type: "bar",
      data: { labels: [], datasets: [{ label: figure.querySelector("th.number").textContent, data: [] }] },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        datasets: { bar: { borderRadius: 2, categoryPercentage: 0.9, barPercentage: 0.9, minBarLength: 2 } },
        plugins: { legend: { display: false }, tooltip: { displayColors: false, bodyFont: font, titleFont: font } },
        scales: {
          x: { grid: { display: false }, border: {}, ticks: { font, maxRotation: 0, autoSkipPadding: 12 } },
          y: { beginAtZero: true, suggestedMax: 4, grid: {}, border: { display: false },
               ticks: { font, precision: 0, maxTicksLimit: 4 } },
        },
      },
    });
    drawn.set(figure, chart);
    return chart;
  }

  // Draw new and changed charts, and destroy those that left the page.
  function update() {
    for (const [figure, chart] of drawn) {
      if (figure.isConnected) continue;
      chart.destroy();
      drawn.delete(figure);
    }
    for (const figure of document.querySelectorAll("[data-chart]")) {
      const chart = drawn.get(figure) ?? make(figure);
      fill(chart, figure);
      paint(chart, figure.dataset.chart);
      chart.update();
    }
  }

  document.addEventListener("vex:theme", update);
  return { update };
})();
