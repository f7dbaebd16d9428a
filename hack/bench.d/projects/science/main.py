"""A service around a small model."""
import numpy
import pandas
import pyarrow
import scipy.stats
from fastapi import FastAPI
from sklearn.linear_model import LinearRegression

app = FastAPI()
model = LinearRegression().fit(numpy.arange(8).reshape(-1, 1), numpy.arange(8))


@app.get("/")
def index(x: float) -> dict[str, float]:
    return {"y": float(model.predict([[x]])[0]), "p": float(scipy.stats.norm.cdf(x))}


@app.get("/table")
def table() -> int:
    return pyarrow.Table.from_pandas(pandas.DataFrame({"x": range(8)})).num_rows


@app.get("/plot")
def plot() -> str:
    from matplotlib.figure import Figure

    return str(Figure().subplots().plot([1, 2, 3]))
